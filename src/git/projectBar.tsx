import { HTMLSelect, ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IEventStream, MLWSClient } from '../api/client';
import type { BranchesModel } from './branches';
import type { RemoteActions } from './remoteActions';
import { Sync } from './sync';
import type { IWorkspaceEvent } from '../api/models';
import type { ChangesModel } from './changes';

/** The branches, and what is done with them and their remotes. */
export interface IBranchSync {
  branches: BranchesModel;
  actions: RemoteActions;
  showBranches: () => void;
}

/** Which project and branch the sidebar shows, and whether what it shows is live. */
export class ProjectBar extends ReactWidget {
  constructor(
    private _client: MLWSClient,
    private _changes: ChangesModel,
    events: IEventStream<IWorkspaceEvent>,
    private _sync: IBranchSync,
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlws-ProjectBar');
    const update = () => this.update();
    _client.projectChanged.connect(update, this);
    _changes.stateChanged.connect(update, this);
    events.connectionChanged.connect(this._onConnection, this);
    events.message.connect(this._onEvent, this);
  }

  protected render(): JSX.Element {
    const { _client: client, _trans: trans } = this;
    const { project, projects } = client;
    const branch = this._changes.status?.branch;
    return (
      <>
        {projects.length > 1 ? (
          <HTMLSelect
            aria-label={trans.__('Project')}
            value={project?.id}
            options={projects.map(one => ({ value: one.id, label: one.name }))}
            onChange={event => {
              const chosen = projects.find(
                one => one.id === event.target.value
              );
              client.project = chosen ?? null;
            }}
          />
        ) : (
          <span className="jp-mlws-ProjectBar-name">{project?.name}</span>
        )}
        {this._changes.status && (
          <Sync {...this._sync} branch={branch ?? null} trans={trans} />
        )}
        {this._lost && (
          <span className="jp-mlws-Lost" role="status">
            {trans.__('Connection lost. Reconnecting…')}
          </span>
        )}
        {this._unwatched !== null && (
          <span className="jp-mlws-Lost" role="status" title={this._unwatched}>
            {trans.__(
              'Automatic refresh is not available. Click Refresh to see changes.'
            )}
          </span>
        )}
      </>
    );
  }

  private _onConnection(_: IEventStream, connected: boolean): void {
    this._lost = !connected;
    this.update();
  }

  private _onEvent(_: IEventStream, event: IWorkspaceEvent): void {
    if (event.type === 'unwatched') {
      this._unwatched = event.reason;
      this.update();
    }
  }

  /** A connection that was never there is still being made, not lost. */
  private _lost = false;
  private _unwatched: string | null = null;
}
