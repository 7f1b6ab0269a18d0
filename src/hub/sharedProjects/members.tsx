import { useState } from 'react';
import type { MLWSClient } from '../../api/client';
import { ActionButton } from '../containers/actions';
import { Failure } from '../../ui/errorBox';
import { Field, TextField, useSubmit } from '../../ui/form';
import type { IMember, ITeamProject, Role } from '../../api/models';
import { MEMBERSHIP, memberPath, ROLES, roleLabel } from './labels';
import { trans } from '../../ui/locale';
import { Select } from '../../ui/controls';

interface IProps {
  project: ITeamProject;
  client: MLWSClient;
}

function RoleChoice(props: {
  id?: string;
  'aria-label'?: string;
  value: Role;
  disabled?: boolean;
  onChange: (role: Role) => void;
}): JSX.Element {
  return (
    <Select
      {...props}
      name="role"
      className="jp-mlws-Select jp-mod-styled"
      options={ROLES.map(role => [role, roleLabel(role)])}
    />
  );
}

function MemberRow(props: IProps & { member: IMember }): JSX.Element {
  const { project, member, client } = props;
  const { user, role } = member;
  const [chosen, setChosen] = useState<Role | null>(role);
  // Sends the newest choice; null removes the member.
  const { rest, isBusy, submit } = useSubmit([], async () => {
    const path = memberPath(project.name, user);
    await (chosen === null
      ? client.delete(path)
      : client.put(path, { role: chosen }));
    await client.refresh(...MEMBERSHIP);
  });
  const isChanged = chosen !== role;
  return (
    <li className="jp-mlws-TeamMember" data-mlws-member={user}>
      <span className="jp-mlws-TeamMember-name">{user}</span>
      {project.role === 'owner' ? (
        <>
          {chosen === null ? (
            <span>{trans.__('will be removed')}</span>
          ) : (
            <RoleChoice
              aria-label={trans.__('Role of %1', user)}
              value={chosen}
              disabled={isBusy}
              onChange={setChosen}
            />
          )}
          {isChanged ? (
            <>
              <ActionButton
                name="start"
                label={trans.__('Apply change for %1', user)}
                disabled={isBusy}
                onClick={() => void submit()}
              />
              <ActionButton
                name="restore"
                label={trans.__('Undo change for %1', user)}
                disabled={isBusy}
                onClick={() => setChosen(role)}
              />
            </>
          ) : (
            <ActionButton
              name="close"
              label={trans.__('Remove %1', user)}
              disabled={isBusy}
              onClick={() => setChosen(null)}
            />
          )}
        </>
      ) : (
        <span>{roleLabel(role)}</span>
      )}
      {rest && <Failure error={rest} />}
    </li>
  );
}

function AddMember({ project, client }: IProps): JSX.Element {
  const [user, setUser] = useState('');
  const [role, setRole] = useState<Role>('writer');
  const { byField, rest, isBusy, submit } = useSubmit(['user'], async () => {
    await client.put(memberPath(project.name, user.trim()), { role });
    await client.refresh(...MEMBERSHIP);
    setUser('');
  });
  return (
    <form
      className="jp-mlws-TeamAdd"
      aria-label={trans.__('Add member to %1', project.name)}
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      {rest && <Failure error={rest} />}
      <TextField
        name="user"
        label={trans.__('Add Hub user')}
        error={byField.get('user')}
        value={user}
        onChange={event => setUser(event.target.value)}
      />
      <Field label={trans.__('Role')}>
        {id => <RoleChoice id={id} value={role} onChange={setRole} />}
      </Field>
      <button
        type="submit"
        className="jp-mod-styled jp-mod-accept"
        disabled={isBusy || user.trim() === ''}
      >
        {trans.__('Add')}
      </button>
    </form>
  );
}

/** Members with their roles; editable by owners. */
export function Members(props: IProps): JSX.Element {
  const { project } = props;
  return (
    <>
      <ul
        className="jp-mlws-Rows"
        aria-label={trans.__('Members of %1', project.name)}
      >
        {project.members.map(member => (
          <MemberRow
            key={`${member.user} ${member.role}`}
            {...props}
            member={member}
          />
        ))}
      </ul>
      {project.role === 'owner' && <AddMember {...props} />}
    </>
  );
}
