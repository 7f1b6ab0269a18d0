import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Hint } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { Form, TextField } from '../../ui/form';
import { listText, memorySize } from '../../ui/format';
import type { IContainer, ISavedEnvironment } from '../../api/models';
import { ActionButton } from './actions';
import { Dialog, DialogButton } from './dialog';
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
        <Hint>{trans.__('Not included: %1', listText(saved.left_out))}</Hint>
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
          <Form
            label={trans.__('Delete environment %1', saved.name)}
            fields={[]}
            ok={trans.__('Delete')}
            send={async () => {
              setIsAsking(false);
              remove.mutate();
            }}
            onCancel={() => setIsAsking(false)}
          >
            {() => (
              <p>
                {trans.__(
                  'Containers set to use it will start from its base image instead.'
                )}
              </p>
            )}
          </Form>
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
  const send = async (): Promise<void> => {
    const body = { name: name.trim(), container };
    await model.client.post('/environments', body);
    await model.client.refresh('/environments');
    props.onDone();
  };
  return (
    <Form
      className="jp-mlws-CreateForm"
      label={trans.__('Save Environment')}
      fields={['name']}
      ok={trans.__('Save')}
      isIncomplete={name.trim() === ''}
      send={send}
      onCancel={props.onDone}
    >
      {errors => (
        <>
          <Hint>
            {trans.__(
              'Saves the packages you installed with pip as a personal image, which this ' +
                'container uses from its next start. Files are not included; they stay in ' +
                'your home folder.'
            )}
          </Hint>
          <TextField
            label={trans.__('Name')}
            help={trans.__(
              'Lowercase letters, digits and hyphens. An existing environment with this ' +
                'name is replaced.'
            )}
            error={errors.get('name')}
            name="name"
            value={name}
            onChange={event => setName(event.target.value)}
          />
        </>
      )}
    </Form>
  );
}

/** Saved environments, and the button that saves this container's environment. */
export function Environments(props: IProps): JSX.Element {
  const { model, here } = props;
  const answer = useEnvironments(model);
  const environments =
    answer.data?.items.filter(({ user }) => user === model.owner) ?? [];
  return (
    <>
      <Failures of={[answer]} />
      {here !== null && (
        <DialogButton
          title={trans.__('Save Environment')}
          className="jp-mlws-SaveEnvironment jp-mod-styled"
          data-mlws-action="save-environment"
        >
          {close => <SaveForm {...props} container={here.id} onDone={close} />}
        </DialogButton>
      )}
      {environments.length > 0 && (
        <ul className="jp-mlws-Rows" aria-label={trans.__('My environments')}>
          {environments.map(saved => (
            <Row key={saved.id} {...props} saved={saved} />
          ))}
        </ul>
      )}
    </>
  );
}
