import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, InputDialog, Notification } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import type { Body, IExperimentRun, IReproduction } from '../api/models';
import { confirm } from '../lab/confirm';
import { notifyOnError } from '../lab/notify';
import {
  CANVAS_FACTORY,
  type IMLWSClient,
  type IModelRegistry
} from '../lab/tokens';
import { documentPath } from '../lab/documents';
import { OperationTracker } from '../operations/tracker';
import { listText, titleOf } from '../ui/format';
import { keyOf } from './table';
import { trans } from '../ui/locale';

/** Parameters of an address that opens the page of a run. */
export const LINK_RUN = 'mlws-run';
export const LINK_PROJECT = 'mlws-project';

/** Changes of several runs. */
type RunMarks = Omit<Body<'post', '/runs/tags'>, 'ids'>;

const pathOf = (run: IExperimentRun) =>
  `/runs/${encodeURIComponent(keyOf(run))}` as const;

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
    const label = trans.__('Reproducing %1', titleOf(run));
    const path = `${pathOf(run)}/reproduce` as const;
    await this.operations.run(keyOf(run), label, () => this._client.post(path));
    await this._client.refresh('/reproductions');
  }

  lineage(run: IExperimentRun): void {
    void this._app.commands.execute('mlws:open-lineage', {
      of: `run:${run.id}`
    });
  }

  /** Creates a notebook that loads a run, and opens it. */
  openNotebook(run: IExperimentRun): void {
    void notifyOnError(async () => {
      const { path } = await this._client.post(`${pathOf(run)}/notebook`);
      const { project } = this._client;
      await this._app.commands.execute('docmanager:open', {
        path: project ? documentPath(project, path) : path
      });
    });
  }

  /** Saves the page of a run as a file, or shares it. */
  share(run: IExperimentRun): void {
    void this._app.commands.execute('mlws:share-page', {
      kind: 'run',
      source: keyOf(run),
      title: trans.__('Share “%1”', titleOf(run))
    });
  }

  /** Opens the page of a run. */
  open(id: string): void {
    void this._app.commands.execute('mlws:open-run', { run: id });
  }

  /** Opens the page of a run, or what differs from a commit. */
  openRow(run: IExperimentRun): void {
    if (run.kind === 'commit') {
      const args = { id: run.run };
      void this._app.commands.execute('mlws:compare-snapshot', args);
    } else {
      this.open(keyOf(run));
    }
  }

  /** Changes tags and marks of runs. */
  change(runs: readonly IExperimentRun[], marks: RunMarks): void {
    void notifyOnError(async () => {
      const ids = runs.map(keyOf);
      await this._client.post('/runs/tags', { ids, ...marks });
      await this._client.refresh('/runs');
    });
  }

  /** Asks for a tag, and adds it to runs. */
  addTag(runs: readonly IExperimentRun[]): void {
    void notifyOnError(async () => {
      const { button, value } = await InputDialog.getText({
        title: trans.__('Add Tag'),
        label: trans.__('Name, or NAME=VALUE'),
        okLabel: trans.__('Add')
      });
      const [name, ...words] = (value ?? '').split('=');
      if (button.accept && name.trim()) {
        const tags = { [name.trim()]: words.join('=').trim() };
        this.change(runs, { tags });
      }
    });
  }

  /** Asks for a name of a run; an empty one is replaced by a title. */
  rename(run: IExperimentRun): void {
    void notifyOnError(async () => {
      const { button, value } = await InputDialog.getText({
        title: trans.__('Rename Run'),
        label: trans.__('Name; leave it empty for one that tells what differs'),
        text: run.title,
        okLabel: trans.__('Rename')
      });
      if (button.accept && value !== null) {
        await this._client.patch(pathOf(run), { name: value });
        await this._client.refresh('/runs');
      }
    });
  }

  /** Saves the note of a run; false if that failed. */
  async setNote(run: IExperimentRun, note: string): Promise<boolean> {
    const saved = await notifyOnError(async () => {
      await this._client.patch(pathOf(run), { note });
      await this._client.refresh('/runs');
      return true;
    });
    return saved === true;
  }

  /** Deletes a run, which can be restored. */
  delete(run: IExperimentRun): void {
    void notifyOnError(async () => {
      const isMeant = await confirm(
        trans.__('Delete “%1”?', titleOf(run)),
        trans.__('Snapshots that name the run stay. It can be restored.'),
        trans.__('Delete')
      );
      if (!isMeant) {
        return;
      }
      const { snapshots } = await this._client.delete(pathOf(run));
      await this._client.refresh('/runs');
      const names = snapshots.map(one => one.commit.slice(0, 8));
      Notification.success(
        names.length > 0
          ? trans.__(
              'Deleted “%1”, which snapshots name: %2.',
              titleOf(run),
              listText(names)
            )
          : trans.__('Deleted “%1”.', titleOf(run)),
        {
          autoClose: 10_000,
          actions: [
            {
              label: trans.__('Restore'),
              callback: () => this.restore(run)
            }
          ]
        }
      );
    });
  }

  restore(run: IExperimentRun): void {
    void notifyOnError(async () => {
      await this._client.post(`${pathOf(run)}/restore`);
      await this._client.refresh('/runs');
    });
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

  openModel(name: string): void {
    void this._app.commands.execute('mlws:open-model', { name });
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
