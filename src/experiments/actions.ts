import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';
import type { IExperimentRun, IReproduction } from '../api/models';
import { confirm } from '../lab/confirm';
import { notifyOnError } from '../lab/notify';
import type { IMLWSClient, IModelRegistry } from '../lab/tokens';
import { documentPath } from '../lab/documents';
import { OperationTracker } from '../operations/tracker';
import { runName } from '../ui/format';
import { keyOf } from './table';
import { trans } from '../ui/locale';

/** Actions of the experiment table. */
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
