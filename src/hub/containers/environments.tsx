import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Failure } from '../../ui/errorBox';
import { FormButtons, TextField, useSubmit } from '../../ui/form';
import { listText, memorySize } from '../../ui/format';
import type { IContainer, ISavedEnvironment } from '../../api/models';
import { ActionButton } from './actions';
import { Dialog } from './dialog';
import { Failures } from '../../ui/server';
import { useEnvironments, type ContainersModel } from './model';
import { trans } from '../../ui/locale';

interface IProps {
  model: ContainersModel;
  /** The container that this lab runs in. */
  here: IContainer | null;
}

function stateText(saved: ISavedEnvironment, props: IProps): string {
  if (saved.state === 'SAVING') {
    return trans.__('saving…');
  }
  if (saved.state === 'FAILED') {
    return trans.__('save failed');
  }
  const count = saved.packages ?? 0;
  return trans.__(
    '%1, %2',
    trans._n('%1 package', '%1 packages', count),
    memorySize(saved.size ?? 0)
  );
}

function Row(props: IProps & { saved: ISavedEnvironment }): JSX.Element {
  const { model, here, saved } = props;
  const [isAsking, setIsAsking] = useState(false);
  const { client } = model;
  const remove = useMutation(
    {
      mutationFn: async () => {
        await client.delete(`/environments/${encodeURIComponent(saved.id)}`);
        await client.refresh('/environments');
      }
    },
    client.queries
  );
  return (
    <li className="jp-mlws-ContainerRow" data-mlws-environment={saved.id}>
      <div className="jp-mlws-ContainerRow-head">
        <strong>{saved.name}</strong>
        <span className="jp-mlws-ContainerState" role="status">
          {stateText(saved, props)}
        </span>
        {here?.config.image === saved.image && (
          <span className="jp-mlws-Badge jp-mlws-Current">
            {trans.__('used on next start')}
          </span>
        )}
        <span className="jp-mlws-Actions">
          <ActionButton
            name="delete"
            label={trans.__('Delete environment %1', saved.name)}
            disabled={saved.state === 'SAVING'}
            onClick={() => setIsAsking(true)}
          />
        </span>
      </div>
      {remove.error && <Failure error={remove.error} />}
      {saved.reason && <p className="jp-mlws-Reason">{saved.reason}</p>}
      {saved.left_out.length > 0 && (
        <p className="jp-mlws-Hint">
          {trans.__('Not included: %1', listText(saved.left_out))}
        </p>
      )}
      {saved.last_log.length > 0 && (
        <details className="jp-mlws-LastLog">
          <summary>{trans.__('Last log lines')}</summary>
          <pre>{saved.last_log.join('\n')}</pre>
        </details>
      )}
      {isAsking && (
        <Dialog
          title={trans.__('Delete environment %1', saved.name)}
          onClose={() => setIsAsking(false)}
        >
          <form
            onSubmit={event => {
              event.preventDefault();
              setIsAsking(false);
              remove.mutate();
            }}
          >
            <p>
              {trans.__(
                'Containers set to use it will start from its base image instead.'
              )}
            </p>
            <FormButtons
              ok={trans.__('Delete')}
              isBusy={false}
              isIncomplete={false}
              onCancel={() => setIsAsking(false)}
            />
          </form>
        </Dialog>
      )}
    </li>
  );
}

function SaveForm(
  props: IProps & { container: string; onDone: () => void }
): JSX.Element {
  const { model, container } = props;
  const [name, setName] = useState('');
  const { byField, rest, isBusy, submit } = useSubmit(['name'], async () => {
    const body = { name: name.trim(), container };
    await model.client.post('/environments', body);
    await model.client.refresh('/environments');
    props.onDone();
  });
  return (
    <form
      className="jp-mlws-CreateForm"
      aria-label={trans.__('Save Environment')}
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      {rest && <Failure error={rest} />}
      <p className="jp-mlws-Hint">
        {trans.__(
          'Saves the packages you installed with pip as a personal image, which this ' +
            'container uses from its next start. Files are not included; they stay in ' +
            'your home folder.'
        )}
      </p>
      <TextField
        label={trans.__('Name')}
        help={trans.__(
          'Lowercase letters, digits and hyphens. An existing environment with this ' +
            'name is replaced.'
        )}
        error={byField.get('name')}
        name="name"
        value={name}
        onChange={event => setName(event.target.value)}
      />
      <FormButtons
        ok={trans.__('Save')}
        isBusy={isBusy}
        isIncomplete={name.trim() === ''}
        onCancel={props.onDone}
      />
    </form>
  );
}

/** Saved environments, and the button that saves this container's environment. */
export function Environments(props: IProps): JSX.Element {
  const { model, here } = props;
  const [isSaving, setIsSaving] = useState(false);
  const answer = useEnvironments(model);
  const environments =
    answer.data?.items.filter(({ user }) => user === model.owner) ?? [];
  return (
    <>
      <Failures of={[answer]} />
      {here !== null && (
        <button
          className="jp-mlws-SaveEnvironment jp-mod-styled"
          data-mlws-action="save-environment"
          onClick={() => setIsSaving(true)}
        >
          {trans.__('Save Environment')}
        </button>
      )}
      {environments.length > 0 && (
        <ul className="jp-mlws-Rows" aria-label={trans.__('My environments')}>
          {environments.map(saved => (
            <Row key={saved.id} {...props} saved={saved} />
          ))}
        </ul>
      )}
      {here !== null && isSaving && (
        <Dialog
          title={trans.__('Save Environment')}
          onClose={() => setIsSaving(false)}
        >
          <SaveForm
            {...props}
            container={here.id}
            onDone={() => setIsSaving(false)}
          />
        </Dialog>
      )}
    </>
  );
}
