import { useState } from 'react';
import { ActionButton, ActionGroup } from '../containers/actions';
import { DialogButton } from '../containers/dialog';
import type { IconName } from '../containers/icons';
import type { MLWSClient } from '../../api/client';
import type { ITeamProject } from '../../api/models';
import { Hint } from '../../ui/controls';
import { Answer, ServerView, useGet } from '../../ui/server';
import { CreateProjectForm } from './createForm';
import { Members } from './members';
import { PROJECTS, roleLabel } from './labels';
import { trans } from '../../ui/locale';

/** Operations that the lab provides to its list of shared projects. */
export interface ITeamHost {
  /** A clone in the home, shown when it is there. */
  clone(project: ITeamProject): void;
  /** Sets the remote of the current project. */
  connect(project: ITeamProject): void;
  leave(project: ITeamProject): void;
  delete(project: ITeamProject): void;
  restore(project: ITeamProject): void;
}

interface IProps {
  client: MLWSClient;
  host: ITeamHost;
}

function Row(props: IProps & { project: ITeamProject }): JSX.Element {
  const { project, host } = props;
  const { name, role, trashed_at } = project;
  const [isOpen, setIsOpen] = useState(false);
  const isTrash = trashed_at !== null;
  const isOwner = role === 'owner';
  const button = (
    icon: IconName,
    label: string,
    act: (of: ITeamProject) => void
  ): JSX.Element => (
    <ActionButton name={icon} label={label} onClick={() => act(project)} />
  );
  return (
    <li className="jp-mlws-ContainerRow" data-mlws-shared={name}>
      <div className="jp-mlws-ContainerRow-head">
        <strong>{name}</strong>
        <span className="jp-mlws-Badge">
          {isTrash ? trans.__('In trash') : roleLabel(role)}
        </span>
        <ActionGroup of={name}>
          {isTrash &&
            button('restore', trans.__('Restore %1', name), host.restore)}
          {!isTrash && button('down', trans.__('Clone %1', name), host.clone)}
          {!isTrash &&
            role !== 'reader' &&
            button(
              'up',
              trans.__('Share the current project as %1', name),
              host.connect
            )}
          {!isTrash &&
            !isOwner &&
            button('close', trans.__('Leave %1', name), host.leave)}
          {isOwner &&
            button('delete', trans.__('Delete %1', name), host.delete)}
        </ActionGroup>
      </div>
      {project.description && <p>{project.description}</p>}
      {!isTrash && (
        <details
          open={isOpen}
          onToggle={event => setIsOpen(event.currentTarget.open)}
        >
          <summary>
            {trans._n('%1 member', '%1 members', project.members.length)}
          </summary>
          {isOpen && (
            <>
              <Hint>
                {trans.__(
                  'Clone in a terminal: %1',
                  `git clone ${project.git_url}`
                )}
              </Hint>
              <Members {...props} />
            </>
          )}
        </details>
      )}
    </li>
  );
}

function List(props: IProps): JSX.Element {
  const { client } = props;
  const answer = useGet(client, PROJECTS);
  return (
    <Answer of={answer}>
      {({ items }) => (
        <>
          <DialogButton
            title={trans.__('New Shared Project')}
            className="jp-mlws-NewShared jp-mod-styled jp-mod-accept"
          >
            {close => <CreateProjectForm client={client} onDone={close} />}
          </DialogButton>
          {items.length === 0 && (
            <Hint>
              {trans.__(
                "No shared projects yet. Only members can see a project's code, data and runs."
              )}
            </Hint>
          )}
          <ul className="jp-mlws-Rows" aria-label={trans.__('Shared projects')}>
            {items.map(project => (
              <Row key={project.name} {...props} project={project} />
            ))}
          </ul>
        </>
      )}
    </Answer>
  );
}

/**
 * List of the user's shared projects, in the sidebar.
 *
 * `isAlone`: without the title of a section.
 */
export function teamView(props: IProps, isAlone = false): ServerView {
  const { client } = props;
  const label = trans.__('Shared projects');
  return new ServerView(
    client,
    () => (
      <>
        {isAlone && <h3>{label}</h3>}
        <List {...props} />
      </>
    ),
    {
      id: isAlone ? 'jp-mlws-team-alone' : 'jp-mlws-team',
      label,
      className: `jp-mlws-Section jp-mlws-Team${isAlone ? ' jp-mlws-Team-alone' : ''}`,
      help: 'how-to-share-project',
      paths: [PROJECTS]
    }
  );
}
