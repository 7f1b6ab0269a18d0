import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import type { IExperimentRun, IReproduction } from '../api/models';
import { confirm } from '../lab/confirm';
import { notifyOnError } from '../lab/notify';
import {
  CANVAS_FACTORY,
  type IMLWSClient,
  type IModelRegistry
} from '../lab/tokens';
import { documentPath } from '../lab/documents';
import { OperationTracker } from '../operations/tracker';
import { runName } from '../ui/format';
import { keyOf } from './table';
import { trans } from '../ui/locale';

/** Parameters of an address that opens the page of a run. */
export const LINK_RUN = 'mlws-run';
export const LINK_PROJECT = 'mlws-project';

/** Actions of the experiment table and of the page of a run. */
export class RunActions {
  constructor(
    private _app: JupyterFrontEnd,
    private _client: IMLWSClient,
    private _registry: IModelRegistry,
    private _compare: (runs: readonly IExperimentRun[]) => void
  ) {
    this.operations = new OperationTracker(_client);
  }

  /** Reproductions, by the key of their run. */
  readonly operations: OperationTracker;

  compare(runs: readonly IExperimentRun[]): void {
    this._compare(runs);
  }

  register(run: IExperimentRun): void {
    this._registry.register(run);
  }

  /** Recreates the initial state of a run in a worktree. */
  async reproduce(run: IExperimentRun): Promise<void> {
    const label = trans.__('Reproducing %1', runName(run));
    const path = `/runs/${encodeURIComponent(keyOf(run))}/reproduce` as const;
    await this.operations.run(keyOf(run), label, () => this._client.post(path));
    await this._client.refresh('/reproductions');
  }

  lineage(run: IExperimentRun): void {
    void this._app.commands.execute('mlws:open-lineage', {
      of: `run:${run.id}`
    });
  }

  /** Opens the page of a run. */
  open(run: IExperimentRun): void {
    void this._app.commands.execute('mlws:open-run', { run: keyOf(run) });
  }

  openWorkflow(run: IExperimentRun): void {
    const { project } = this._client;
    if (project && run.workflow !== null) {
      void this._app.commands.execute('docmanager:open', {
        path: documentPath(project, run.workflow),
        factory: CANVAS_FACTORY
      });
    }
  }

  /** Shows what differs between two commits. */
  compareCode(from: string, to: string): void {
    void this._app.commands.execute('mlws:compare-snapshot', { id: from, to });
  }

  showModel(name: string): void {
    void this._app.commands.execute('mlws:show-models', { name });
  }

  /** Copies an address that opens the page of a run in the lab. */
  copyLink(run: IExperimentRun): void {
    const words = new URLSearchParams({
      [LINK_RUN]: keyOf(run),
      [LINK_PROJECT]: this._client.project?.id ?? ''
    });
    const { baseUrl } = this._app.serviceManager.serverSettings;
    const lab = URLExt.join(baseUrl, 'lab');
    Clipboard.copyToSystem(`${lab}?${words}`);
    Notification.success(trans.__('Copied the address of the run.'), {
      autoClose: 3000
    });
  }

  openFolder(reproduction: IReproduction): void {
    const { project } = this._client;
    if (project) {
      void this._app.commands.execute('filebrowser:open-path', {
        path: documentPath(project, reproduction.path)
      });
    }
  }

  copyCommand(reproduction: IReproduction): void {
    Clipboard.copyToSystem(reproduction.command ?? '');
  }

  removeReproduction(reproduction: IReproduction): void {
    void notifyOnError(async () => {
      const isMeant = await confirm(
        trans.__('Delete “%1”?', reproduction.path),
        trans.__(
          'Deletes the folder and any uncommitted work in it. The run, its data and ' +
            'your files are kept.'
        ),
        trans.__('Delete')
      );
      if (isMeant) {
        const id = encodeURIComponent(reproduction.id);
        await this._client.delete(`/reproductions/${id}`);
        await this._client.refresh('/reproductions');
      }
    });
  }
}
