import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IHours, IVolume } from '../../api/models';
import { readMore } from '../../api/pages';
import { LabelledSelect, SearchField } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { fileSize, fullTime, relativeTime } from '../../ui/format';
import { Failures, useGet, usePages } from '../../ui/server';
import { ActionButton, ActionGroup } from '../containers/actions';
import type { IQuestion } from '../containers/labels';
import { language, trans } from '../../ui/locale';
import { Grid } from './grid';

const PAGE_SIZE = 100;

type VolumeAction = 'trash' | 'restore' | 'purge';

interface IProps {
  client: MLWSClient;
  /** Asks for confirmation; resolves to true to continue. */
  confirm: (question: IQuestion) => Promise<boolean>;
  /** Without it, the page says why nothing can be read. */
  isReachable: boolean;
}

/** Confirmation before files are permanently deleted. */
function questionBeforePurge(volume: IVolume): IQuestion {
  return {
    title: trans.__('Delete %1 permanently?', volume.name),
    lost: trans.__("All its files will be deleted. This can't be undone."),
    kept: trans.__("The user's current files are kept."),
    accept: trans.__('Delete')
  };
}

function Row(
  props: IProps & {
    volume: IVolume;
    isBusy: boolean;
    onAct: (action: VolumeAction) => void;
  }
): JSX.Element {
  const { volume, confirm, isBusy, onAct } = props;
  const { name, size, quota, trashed_at } = volume;
  const used = size === null ? '–' : fileSize(size);
  const isOver = size !== null && quota !== null && size > quota;
  return (
    <tr
      data-mlws-volume={name}
      data-mlws-status={trashed_at === null ? 'CURRENT' : 'TRASHED'}
    >
      <th scope="row">{volume.user}</th>
      <td className="jp-mlws-Grid-image" title={name}>
        {name}
      </td>
      <td
        className={isOver ? 'jp-mlws-Reason' : undefined}
        title={
          volume.measured_at
            ? trans.__('Measured %1', relativeTime(volume.measured_at))
            : undefined
        }
      >
        {quota === null ? used : trans.__('%1 of %2', used, fileSize(quota))}
      </td>
      <td title={trashed_at ? fullTime(trashed_at) : undefined}>
        {trashed_at !== null
          ? trans.__(
              'in trash, permanent deletion %1',
              relativeTime(volume.purge_at!)
            )
          : volume.in_use
            ? trans.__('in use')
            : trans.__('current')}
      </td>
      <td>
        <ActionGroup of={name}>
          {trashed_at === null ? (
            <ActionButton
              name="trash"
              label={trans.__('Move %1 to Trash', name)}
              disabled={isBusy || volume.in_use}
              onClick={() => onAct('trash')}
            />
          ) : (
            <>
              <ActionButton
                name="restore"
                label={trans.__('Restore %1', name)}
                disabled={isBusy}
                onClick={() => onAct('restore')}
              />
              <ActionButton
                name="delete"
                label={trans.__('Delete %1 Permanently', name)}
                disabled={isBusy}
                onClick={() =>
                  void confirm(questionBeforePurge(volume)).then(yes =>
                    yes ? onAct('purge') : undefined
                  )
                }
              />
            </>
          )}
        </ActionGroup>
      </td>
    </tr>
  );
}

function HoursTable(props: {
  hours: readonly IHours[];
  days: number;
}): JSX.Element {
  const { hours, days } = props;
  const number = (value: number) =>
    value.toLocaleString(language, { maximumFractionDigits: 1 });
  return (
    <Grid
      name="Hours"
      title={trans._n(
        'Usage in the last %1 day',
        'Usage in the last %1 days',
        days
      )}
      heads={[
        trans.__('Owner'),
        trans.__('Hours'),
        trans.__('CPU hours'),
        trans.__('GiB hours'),
        trans.__('GPU hours')
      ]}
      empty={trans.__('No usage yet.')}
    >
      {hours.map(one => (
        <tr key={one.user} data-mlws-hours={one.user}>
          <th scope="row">{one.user}</th>
          <td>{number(one.hours)}</td>
          <td>{number(one.cpu_hours)}</td>
          <td>{number(one.memory_gib_hours)}</td>
          <td>{number(one.gpu_hours)}</td>
        </tr>
      ))}
    </Grid>
  );
}

type Sort = 'user' | 'size';
type Part = 'all' | 'current' | 'trash';

/** Volumes of users with their trash, and hours of use. */
export function Volumes(props: IProps): JSX.Element {
  const { client } = props;
  const [sort, setSort] = useState<Sort>('size');
  const [part, setPart] = useState<Part>('all');
  const [text, setText] = useState('');
  const query = {
    limit: PAGE_SIZE,
    sort,
    ...(part !== 'all' && { trashed: part === 'trash' }),
    ...(text && { q: text })
  };
  const volumes = usePages(client, '/volumes', query, { keepPrevious: true });
  const report = useGet(client, '/resources/hours');
  const act = useMutation(
    {
      mutationFn: async (request: { action: VolumeAction; name: string }) => {
        const path = `/volumes/${encodeURIComponent(request.name)}` as const;
        await (request.action === 'purge'
          ? client.delete(path)
          : client.post(`${path}/${request.action}`));
      },
      onSettled: () =>
        client.refresh('/volumes', '/resources/hours', '/storage')
    },
    client.queries
  );
  const items = volumes.data?.items ?? [];
  return (
    <>
      <Grid
        name="Volumes"
        title={trans.__('Volumes')}
        heads={[
          trans.__('Owner'),
          trans.__('Volume'),
          trans.__('Disk'),
          trans.__('Status'),
          trans.__('Actions')
        ]}
        empty={
          !volumes.data
            ? null
            : text || part !== 'all'
              ? trans.__('No volumes match the filter.')
              : trans.__(
                  "No volumes yet. A volume for the user's files is created on first start."
                )
        }
        isLoading={!volumes.data && !volumes.error}
        more={
          volumes.data?.next_cursor
            ? () => void readMore(client, '/volumes', query, 'items')
            : undefined
        }
        notes={
          <>
            <div className="jp-mlws-Toolbar">
              <SearchField
                placeholder={trans.__('Filter')}
                label={trans.__('Filter by owner or volume')}
                value={text}
                onChange={setText}
              />
              <LabelledSelect<Sort>
                label={trans.__('Sort by')}
                className="jp-mlws-Select jp-mod-styled"
                value={sort}
                options={[
                  ['size', trans.__('Disk')],
                  ['user', trans.__('Owner')]
                ]}
                onChange={setSort}
              />
              <LabelledSelect<Part>
                label={trans.__('Show')}
                className="jp-mlws-Select jp-mod-styled"
                value={part}
                options={[
                  ['all', trans.__('All volumes')],
                  ['current', trans.__('Current volumes')],
                  ['trash', trans.__('Trash')]
                ]}
                onChange={setPart}
              />
            </div>
            {props.isReachable && <Failures of={[volumes, report]} />}
            {act.error && <Failure error={act.error} />}
          </>
        }
      >
        {items.map(volume => (
          <Row
            key={volume.name}
            {...props}
            volume={volume}
            isBusy={act.isPending}
            onAct={action => act.mutate({ action, name: volume.name })}
          />
        ))}
      </Grid>
      <HoursTable
        hours={report.data?.items ?? []}
        days={report.data?.days ?? 0}
      />
    </>
  );
}
