import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import type { INotice } from '../../api/models';
import { LabelledSelect } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { Field, Form, TextField } from '../../ui/form';
import { fullTime, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Failures, useGet } from '../../ui/server';
import { ActionButton, ActionGroup } from '../containers/actions';
import { DialogButton } from '../containers/dialog';
import type { IQuestion } from '../containers/labels';
import { useNotices } from '../notices/notices';
import { Grid } from './grid';

const FIELDS = ['text', 'until'] as const;
const HOUR = 3_600_000;
const MAX_LENGTH = 500;

type Level = 'info' | 'warning';

const levelLabels = (): Record<Level, string> => ({
  info: trans.__('Information'),
  warning: trans.__('Warning')
});

/** A time as an input of the type "datetime-local" has it. */
export function localTime(time: Date): string {
  const offset = time.getTimezoneOffset() * 60_000;
  return new Date(time.getTime() - offset).toISOString().slice(0, 16);
}

function AnnouncementForm(props: {
  client: MLWSClient;
  onDone: () => void;
}): JSX.Element {
  const { client, onDone } = props;
  const [text, setText] = useState('');
  const [level, setLevel] = useState<Level>('info');
  const [until, setUntil] = useState(() =>
    localTime(new Date(Date.now() + HOUR))
  );
  const end = new Date(until);
  const isInvalid = Number.isNaN(end.getTime());
  return (
    <Form
      className="jp-mlws-CreateForm"
      label={trans.__('New Announcement')}
      fields={FIELDS}
      ok={trans.__('Announce')}
      isIncomplete={text.trim() === '' || isInvalid}
      send={async () => {
        const body = { text, level, until: end.toISOString() };
        await client.post('/announcements', body);
        await client.refresh('/notices');
        onDone();
      }}
      onCancel={onDone}
    >
      {errors => (
        <>
          <Field
            label={trans.__('Text')}
            help={trans.__(
              'Plain text. All open labs and the pages of the Hub show it at once.'
            )}
            error={errors.get('text')}
          >
            {(id, described) => (
              <textarea
                id={id}
                name="text"
                className="jp-mlws-TextArea"
                rows={3}
                maxLength={MAX_LENGTH}
                value={text}
                aria-describedby={described}
                aria-invalid={errors.has('text')}
                onChange={event => setText(event.target.value)}
              />
            )}
          </Field>
          <div className="jp-mlws-FormField">
            <LabelledSelect<Level>
              label={trans.__('Level')}
              className="jp-mlws-Select jp-mod-styled"
              value={level}
              options={Object.entries(levelLabels()) as [Level, string][]}
              onChange={setLevel}
            />
          </div>
          <TextField
            label={trans.__('Until')}
            name="until"
            type="datetime-local"
            value={until}
            error={errors.get('until')}
            onChange={event => setUntil(event.target.value)}
          />
        </>
      )}
    </Form>
  );
}

/** Announcements to all users, and the form for a new one. */
export function Announcements(props: {
  client: MLWSClient;
  confirm: (question: IQuestion) => Promise<boolean>;
  isReachable: boolean;
}): JSX.Element {
  const { client, confirm } = props;
  const answer = useGet(client, '/notices');
  const notices = useNotices(client);
  const announcements = notices?.filter(({ author }) => author !== null);
  const end = useMutation(
    {
      mutationFn: (id: string) =>
        client.delete(`/announcements/${encodeURIComponent(id)}`),
      onSettled: () => client.refresh('/notices')
    },
    client.queries
  );
  const ask = async ({ id, text }: INotice): Promise<void> => {
    const isMeant = await confirm({
      title: trans.__('End this announcement?'),
      lost: trans.__('It disappears from all labs and pages.'),
      kept: text,
      accept: trans.__('End Announcement')
    });
    if (isMeant) {
      end.mutate(id);
    }
  };
  return (
    <Grid
      name="Announcements"
      title={trans.__('Announcements')}
      heads={[
        trans.__('Text'),
        trans.__('Level'),
        trans.__('Author'),
        trans.__('Announced'),
        trans.__('Until'),
        trans.__('Actions')
      ]}
      empty={announcements ? trans.__('Nothing is announced.') : null}
      notes={
        <>
          <div className="jp-mlws-Toolbar">
            <DialogButton
              title={trans.__('New Announcement')}
              className="jp-mod-styled jp-mod-accept"
              data-mlws-action="announce"
            >
              {close => <AnnouncementForm client={client} onDone={close} />}
            </DialogButton>
          </div>
          {props.isReachable && <Failures of={[answer]} />}
          {end.error && <Failure error={end.error} />}
        </>
      }
    >
      {(announcements ?? []).map(notice => (
        <tr key={notice.id} data-mlws-announcement={notice.id}>
          <th scope="row" className="jp-mlws-Grid-text">
            {notice.text}
          </th>
          <td>{levelLabels()[notice.level as Level]}</td>
          <td>{notice.author}</td>
          <td title={fullTime(notice.created_at)}>
            {relativeTime(notice.created_at)}
          </td>
          <td title={fullTime(notice.until!)}>{relativeTime(notice.until!)}</td>
          <td>
            <ActionGroup of={notice.text}>
              <ActionButton
                name="delete"
                label={trans.__('End Announcement')}
                disabled={end.isPending}
                onClick={() => void ask(notice)}
              />
            </ActionGroup>
          </td>
        </tr>
      ))}
    </Grid>
  );
}
