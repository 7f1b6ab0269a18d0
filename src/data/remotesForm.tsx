import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import type { MLWSClient } from '../api/client';
import type { IDataRemote, IDataRemotePut } from '../api/models';
import { Failure } from '../ui/errorBox';
import { Field, Form, TextField } from '../ui/form';
import { Button, Check, Hint, Select } from '../ui/controls';
import { trans } from '../ui/locale';
import { remotePath, type DatasetActions } from './actions';

type Kind = 'local' | 's3' | 'ssh';

const KINDS: Kind[] = ['local', 's3', 'ssh'];
/** The options of a remote of each kind. */
const OPTIONS: Record<Kind, string[]> = {
  local: [],
  s3: ['endpoint_url', 'region', 'profile'],
  ssh: ['user', 'port', 'keyfile']
};
/** The credentials of each kind, which stay on this machine. */
const CREDENTIALS: Record<Kind, string[]> = {
  local: [],
  s3: ['access_key_id', 'secret_access_key', 'session_token'],
  ssh: ['password', 'passphrase']
};
const EXAMPLES: Record<Kind, string> = {
  local: '/mnt/store',
  s3: 's3://bucket/data',
  ssh: 'ssh://host/srv/data'
};

function kindLabel(kind: Kind): string {
  const labels: Record<Kind, string> = {
    local: trans.__('Local folder'),
    s3: trans.__('S3 or S3-compatible'),
    ssh: trans.__('SSH')
  };
  return labels[kind];
}

function optionLabel(option: string): string {
  const labels: Record<string, string> = {
    endpoint_url: trans.__('Endpoint URL (if not AWS)'),
    region: trans.__('Region'),
    profile: trans.__('Profile'),
    user: trans.__('User'),
    port: trans.__('Port'),
    keyfile: trans.__('Private key file'),
    access_key_id: trans.__('Access key ID'),
    secret_access_key: trans.__('Secret access key'),
    session_token: trans.__('Session token'),
    password: trans.__('Password'),
    passphrase: trans.__('Key passphrase')
  };
  return labels[option];
}

/** Returns the values of the form as the API takes them. */
export function bodyOf(
  kind: Kind,
  values: Readonly<Record<string, string>>,
  isDefault: boolean
): IDataRemotePut {
  const body: Record<string, string | number> = {};
  for (const name of [...OPTIONS[kind], ...CREDENTIALS[kind]]) {
    const value = (values[name] ?? '').trim();
    if (value !== '') {
      const isNumber = name === 'port' && /^[0-9]+$/.test(value);
      body[name] = isNumber ? Number(value) : value;
    }
  }
  return { ...body, url: (values.url ?? '').trim(), default: isDefault };
}

function RemoteForm(props: {
  client: MLWSClient;
  /** Remote to edit; null for a new remote. */
  remote: IDataRemote | null;
  isFirst: boolean;
  onDone: () => void;
}): JSX.Element {
  const { client, remote } = props;
  const [kind, setKind] = useState<Kind>(
    KINDS.find(one => one === remote?.kind) ?? 'local'
  );
  const [values, setValues] = useState<Record<string, string>>({
    name: remote?.name ?? (props.isFirst ? 'store' : ''),
    url: remote?.url ?? '',
    ...remote?.options
  });
  const [isDefault, setIsDefault] = useState(remote?.default ?? true);
  const send = async (): Promise<void> => {
    const path = remotePath((values.name ?? '').trim());
    await client.put(path, bodyOf(kind, values, isDefault));
    void client.refresh('/datasets');
    props.onDone();
  };
  const fields = (errors: ReadonlyMap<string, string>): JSX.Element => {
    const text = (
      name: string,
      label: string,
      more: { help?: string; placeholder?: string; secret?: boolean } = {}
    ) => (
      <TextField
        key={name}
        label={label}
        help={more.help}
        error={errors.get(name)}
        name={name}
        type={more.secret ? 'password' : 'text'}
        autoComplete={more.secret ? 'new-password' : 'off'}
        placeholder={more.placeholder}
        disabled={name === 'name' && remote !== null}
        value={values[name] ?? ''}
        onChange={event => setValues({ ...values, [name]: event.target.value })}
      />
    );
    return (
      <>
        {text('name', trans.__('Name'), {
          help: trans.__('Lowercase letters, digits, “.”, “_” and “-”.')
        })}
        <Field label={trans.__('Type')}>
          {id => (
            <Select
              id={id}
              name="kind"
              className="jp-mlws-Select jp-mod-styled"
              value={kind}
              options={KINDS.map(one => [one, kindLabel(one)])}
              onChange={setKind}
            />
          )}
        </Field>
        {text('url', trans.__('URL'), { placeholder: EXAMPLES[kind] })}
        {OPTIONS[kind].map(name => text(name, optionLabel(name)))}
        {CREDENTIALS[kind].length > 0 && (
          <Hint>
            {trans.__(
              'Credentials are stored on this machine only, never in git. Leave empty to ' +
                "keep the current ones or use the environment's."
            )}
          </Hint>
        )}
        {CREDENTIALS[kind].map(name =>
          text(name, optionLabel(name), {
            secret: true,
            placeholder: remote?.credentials.includes(name)
              ? trans.__('configured')
              : ''
          })
        )}
        <Check
          className="jp-mlws-Check"
          name="default"
          checked={isDefault}
          onChange={setIsDefault}
        >
          {trans.__('Default remote')}
        </Check>
      </>
    );
  };
  return (
    <Form
      className="jp-mlws-Form jp-mlws-RemoteForm"
      label={
        remote
          ? trans.__('Remote “%1”', remote.name)
          : trans.__('New data remote')
      }
      fields={['name', 'url', ...OPTIONS[kind], ...CREDENTIALS[kind]]}
      ok={trans.__('Save')}
      isIncomplete={!values.name?.trim() || !values.url?.trim()}
      send={send}
      onCancel={props.onDone}
    >
      {fields}
    </Form>
  );
}

/** A button that tests the connection to a remote, and the result. */
function ConnectionTest(props: {
  client: MLWSClient;
  remote: IDataRemote;
}): JSX.Element {
  const { client, remote } = props;
  const check = useMutation(
    { mutationFn: () => client.post(`${remotePath(remote.name)}/check`) },
    client.queries
  );
  return (
    <>
      <Button minimal disabled={check.isPending} onClick={() => check.mutate()}>
        {trans.__('Test Connection')}
      </Button>
      {check.isSuccess && (
        <span className="jp-mlws-Badge" data-mlws-proof="yes" role="status">
          {trans.__('Connected')}
        </span>
      )}
      {check.error && <Failure error={check.error} />}
    </>
  );
}

/** List of the remotes for data, and a form for adding or editing a remote. */
export function RemotesForm(props: {
  client: MLWSClient;
  actions: DatasetActions;
  remotes: readonly IDataRemote[];
  onClose: () => void;
}): JSX.Element {
  const { client, actions, remotes } = props;
  const [editing, setEditing] = useState<IDataRemote | 'new' | null>(
    remotes.length === 0 ? 'new' : null
  );
  if (editing !== null) {
    return (
      <RemoteForm
        client={client}
        remote={editing === 'new' ? null : editing}
        isFirst={remotes.length === 0}
        onDone={() =>
          remotes.length === 0 ? props.onClose() : setEditing(null)
        }
      />
    );
  }
  return (
    <div className="jp-mlws-Form">
      <ul className="jp-mlws-Rows" aria-label={trans.__('Data remotes')}>
        {remotes.map(remote => (
          <li
            key={remote.name}
            className="jp-mlws-DataRemote"
            data-mlws-remote={remote.name}
          >
            <strong>{remote.name}</strong>{' '}
            {remote.default && (
              <span className="jp-mlws-Badge">{trans.__('default')}</span>
            )}
            <code>{remote.url}</code>
            <div className="jp-mlws-Tools">
              <ConnectionTest client={client} remote={remote} />
              <Button minimal onClick={() => setEditing(remote)}>
                {trans.__('Edit')}
              </Button>
              <Button minimal onClick={() => actions.removeRemote(remote)}>
                {trans.__('Remove…')}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <div className="jp-mlws-Buttons">
        <button className="jp-mod-styled" onClick={props.onClose}>
          {trans.__('Close')}
        </button>
        <button
          className="jp-mod-styled jp-mod-accept"
          onClick={() => setEditing('new')}
        >
          {trans.__('Add Remote')}
        </button>
      </div>
    </div>
  );
}
