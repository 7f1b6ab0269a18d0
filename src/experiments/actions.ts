import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';

import { agreed } from '../lab/confirm';
import { told } from '../lab/notify';
import type { IMLWSClient, IModelRegistry } from '../lab/tokens';
import { documentPath } from '../lab/documents';
import { runName } from './compare';
import type { RunTableModel } from './table';
import type { IRunActions } from './tableView';
import type { IFoundRun, IReproduction } from '../api/models';

/** The actions of the experiment table in the lab. */
export class RunActions implements IRunActions {
  constructor(
    private _app: JupyterFrontEnd,
    private _client: IMLWSClient,
    private _model: RunTableModel,
    private _registry: IModelRegistry,
    private _compare: (runs: readonly IFoundRun[]) => void
  ) {}

  compare(runs: readonly IFoundRun[]): void {
    this._compare(runs);
  }

  register(run: IFoundRun): void {
    this._registry.register(run);
  }

  reproduce(run: IFoundRun): void {
    const label = this._client.trans.__('Reproducing %1', runName(run));
    void this._model.reproduce(run, label);
  }

  lineage(run: IFoundRun): void {
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
    void told(async () => {
      const { trans } = this._client;
      const isMeant = await agreed(
        trans.__('Delete “%1”?', reproduction.path),
        trans.__(
          'Deletes the folder and any uncommitted work in it. The run, its data and ' +
            'your files are kept.'
        ),
        trans.__('Delete'),
        trans
      );
      if (isMeant) {
        await this._model.removeReproduction(reproduction);
      }
    });
  }
}
