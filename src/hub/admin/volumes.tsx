import type { TranslationBundle } from '@jupyterlab/translation';

import { ActionButton, ActionGroup } from '../containers/actions';
import type { VolumeAction, VolumesModel } from '../containers/volumes';
import type { IQuestion } from '../containers/labels';
import { Failure } from '../../ui/errorBox';
import { fileSize, fullTime, relativeTime } from '../../ui/format';
import type { IHours, IVolume } from '../../api/models';
import { useSignal } from '../../ui/useSignal';

interface IProps {
  model: VolumesModel;
  /** Asks the person; true to go on. */
  confirm: (question: IQuestion) => Promise<boolean>;
  language: string;
  trans: TranslationBundle;
}

/** What is asked before files go for good. */
function questionBeforePurge(
  volume: IVolume,
  trans: TranslationBundle
): IQuestion {
  return {
    title: trans.__('Delete %1 permanently?', volume.name),
    lost: trans.__("All its files will be deleted. This can't be undone."),
    kept: trans.__("The user's current files are kept."),
    accept: trans.__('Delete')
  };
}

function Row(props: IProps & { volume: IVolume }): JSX.Element {
  const { volume, model, confirm, language, trans } = props;
  const { name, size, quota, trashed_at } = volume;
  const act = (action: VolumeAction) => () => void model.act(action, name);
  const used = size === null ? '–' : fileSize(size, language);
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
      <td className={isOver ? 'jp-mlws-Reason' : undefined}>
        {quota === null
          ? used
          : trans.__('%1 of %2', used, fileSize(quota, language))}
      </td>
      <td title={trashed_at ? fullTime(trashed_at, language) : undefined}>
        {trashed_at !== null
          ? trans.__(
              'in trash, permanent deletion %1',
              relativeTime(volume.purge_at!, language)
            )
          : volume.in_use
            ? trans.__('in use')
            : trans.__('current')}
      </td>
      <td>
        <ActionGroup of={name} trans={trans}>
          {trashed_at === null ? (
            <ActionButton
              name="trash"
              label={trans.__('Move %1 to Trash', name)}
              disabled={model.busy || volume.in_use}
              onClick={act('trash')}
            />
          ) : (
            <>
              <ActionButton
                name="restore"
                label={trans.__('Restore %1', name)}
                disabled={model.busy}
                onClick={act('restore')}
              />
              <ActionButton
                name="delete"
                label={trans.__('Delete %1 Permanently', name)}
                disabled={model.busy}
                onClick={() =>
                  void confirm(questionBeforePurge(volume, trans)).then(yes =>
                    yes ? model.act('purge', name) : undefined
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
  language: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { hours, days, language, trans } = props;
  const number = (value: number) =>
    value.toLocaleString(language, { maximumFractionDigits: 1 });
  return (
    <section className="jp-mlws-Hours" aria-labelledby="mlws-hours">
      <h2 id="mlws-hours">
        {trans._n(
          'Usage in the last %1 day',
          'Usage in the last %1 days',
          days
        )}
      </h2>
      {hours.length === 0 ? (
        <p className="jp-mlws-Hint">{trans.__('No usage yet.')}</p>
      ) : (
        <div className="jp-mlws-Grid-frame">
          <table className="jp-mlws-Grid">
            <thead>
              <tr>
                <th scope="col">{trans.__('Owner')}</th>
                <th scope="col">{trans.__('Hours')}</th>
                <th scope="col">{trans.__('CPU hours')}</th>
                <th scope="col">{trans.__('GiB hours')}</th>
                <th scope="col">{trans.__('GPU hours')}</th>
              </tr>
            </thead>
            <tbody>
              {hours.map(one => (
                <tr key={one.user} data-mlws-hours={one.user}>
                  <th scope="row">{one.user}</th>
                  <td>{number(one.hours)}</td>
                  <td>{number(one.cpu_hours)}</td>
                  <td>{number(one.memory_gib_hours)}</td>
                  <td>{number(one.gpu_hours)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** People's volumes with their trash, and hours of use. */
export function Volumes(props: IProps): JSX.Element {
  const { model, language, trans } = props;
  useSignal(model.stateChanged);
  return (
    <>
      <section className="jp-mlws-Volumes" aria-labelledby="mlws-volumes">
        <h2 id="mlws-volumes">{trans.__('Volumes')}</h2>
        {model.error && (
          <Failure
            error={model.error}
            trans={trans}
            onRetry={() => void model.refresh()}
          />
        )}
        {model.failure && <Failure error={model.failure} trans={trans} />}
        {model.ready && model.items.length === 0 && (
          <p className="jp-mlws-Hint">
            {trans.__(
              "No volumes yet. A volume for the user's files is created on first start."
            )}
          </p>
        )}
        {model.items.length > 0 && (
          <div className="jp-mlws-Grid-frame">
            <table className="jp-mlws-Grid">
              <thead>
                <tr>
                  <th scope="col">{trans.__('Owner')}</th>
                  <th scope="col">{trans.__('Volume')}</th>
                  <th scope="col">{trans.__('Disk')}</th>
                  <th scope="col">{trans.__('Status')}</th>
                  <th scope="col">{trans.__('Actions')}</th>
                </tr>
              </thead>
              <tbody>
                {model.items.map(volume => (
                  <Row key={volume.name} {...props} volume={volume} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <HoursTable
        hours={model.hours}
        days={model.days}
        language={language}
        trans={trans}
      />
    </>
  );
}
