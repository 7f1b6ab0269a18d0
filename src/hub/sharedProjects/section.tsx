import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

import { ActionButton, ActionGroup } from '../containers/actions';
import { Dialog } from '../containers/dialog';
import { LiveView } from '../../ui/liveView';
import type { ITeamProject } from '../../api/models';
import { CreateProjectForm } from './createForm';
import { Members } from './members';
import type { TeamModel } from './model';
import { roleWord } from './labels';

/** What the lab does for its list of shared projects. */
export interface ITeamHost {
  /** A clone in the home, shown when it is there. */
  clone(project: ITeamProject): void;
  /** The project that is shown goes there from now on; null where none is shown. */
  connect: ((project: ITeamProject) => void) | null;
  leave(project: ITeamProject): void;
  delete(project: ITeamProject): void;
  restore(project: ITeamProject): void;
}

interface IProps {
  model: TeamModel;
  host: ITeamHost;
  trans: TranslationBundle;
}

function Row(props: IProps & { project: ITeamProject }): JSX.Element {
  const { project, host, trans } = props;
  const { name, role, trashed_at } = project;
  const [isOpen, setIsOpen] = useState(false);
  const isTrash = trashed_at !== null;
  const isOwner = role === 'owner';
  return (
    <li className="jp-mlws-ContainerRow" data-mlws-shared={name}>
      <div className="jp-mlws-ContainerRow-head">
        <strong>{name}</strong>
        <span className="jp-mlws-Badge">
          {isTrash ? trans.__('In trash') : roleWord(role, trans)}
        </span>
        <ActionGroup of={name} trans={trans}>
          {isTrash && (
            <ActionButton
              name="restore"
              label={trans.__('Restore %1', name)}
              onClick={() => host.restore(project)}
            />
          )}
          {!isTrash && (
            <ActionButton
              name="down"
              label={trans.__('Clone %1', name)}
              onClick={() => host.clone(project)}
            />
          )}
          {!isTrash && role !== 'reader' && host.connect && (
            <ActionButton
              name="up"
              label={trans.__('Share the current project as %1', name)}
              onClick={() => host.connect?.(project)}
            />
          )}
          {!isTrash && !isOwner && (
            <ActionButton
              name="close"
              label={trans.__('Leave %1', name)}
              onClick={() => host.leave(project)}
            />
          )}
          {isOwner && (
            <ActionButton
              name="delete"
              label={trans.__('Delete %1', name)}
              onClick={() => host.delete(project)}
            />
          )}
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
              <p className="jp-mlws-Hint">
                {trans.__(
                  'Clone in a terminal: %1',
                  `git clone ${project.git_url}`
                )}
              </p>
              <Members {...props} />
            </>
          )}
        </details>
      )}
    </li>
  );
}

function List(props: IProps): JSX.Element {
  const { model, trans } = props;
  const [isMaking, setIsMaking] = useState(false);
  return (
    <>
      <button
        className="jp-mlws-NewShared jp-mod-styled jp-mod-accept"
        onClick={() => setIsMaking(true)}
      >
        {trans.__('New Shared Project')}
      </button>
      {model.items.length === 0 && (
        <p className="jp-mlws-Hint">
          {trans.__(
            "No shared projects yet. Only members can see a project's code, data and runs."
          )}
        </p>
      )}
      <ul className="jp-mlws-Rows" aria-label={trans.__('Shared projects')}>
        {model.items.map(project => (
          <Row key={project.name} {...props} project={project} />
        ))}
      </ul>
      {isMaking && (
        <Dialog
          title={trans.__('New Shared Project')}
          onClose={() => setIsMaking(false)}
        >
          <CreateProjectForm
            model={model}
            trans={trans}
            onDone={() => setIsMaking(false)}
          />
        </Dialog>
      )}
    </>
  );
}

/** The projects that the person shares with others of the Hub, in the lab's sidebar. */
export class TeamView extends LiveView<TeamModel> {
  constructor(
    model: TeamModel,
    private _host: ITeamHost,
    trans: TranslationBundle,
    /** Where the view stands alone, without the title of a section. */
    private _isAlone = false
  ) {
    super(model, trans);
    this.id = _isAlone ? 'jp-mlws-team-alone' : 'jp-mlws-team';
    this.title.label = trans.__('Shared projects');
    this.addClass('jp-mlws-Section');
    this.addClass('jp-mlws-Team');
    this.toggleClass('jp-mlws-Team-alone', _isAlone);
  }

  protected body(): JSX.Element {
    return (
      <>
        {this._isAlone && <h3>{this.title.label}</h3>}
        <List model={this.model} host={this._host} trans={this.trans} />
      </>
    );
  }
}
