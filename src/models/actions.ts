import {
  Clipboard,
  Dialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { escapeId } from '../api/client';
import { ask, confirm } from '../lab/confirm';
import type {
  IExperimentRun,
  IModelUse,
  IModelVersion,
  IRunOutput
} from '../api/models';
import type { OpenDocuments } from '../lab/documents';
import { notifyOnError } from '../lab/notify';
import {
  CANVAS_FACTORY,
  type IMLWSClient,
  type IModelRegistry
} from '../lab/tokens';
import { PromoteForm, RegisterForm } from './forms';
import { trans } from '../ui/locale';

/** Number of runs to choose from. */
const MAX_RUNS = 50;
/** Number of models whose names are suggested. */
const MAX_SUGGESTIONS = 500;
/** Duration of a notification of success, in milliseconds. */
const NOTICE_DURATION = 5000;

/** Actions on models in JupyterLab. */
export class ModelActions implements IModelRegistry {
  constructor(
    private _client: IMLWSClient,
    private _documents: OpenDocuments,
    private _execute: (command: string, args: object) => void
  ) {}

  open(name: string): void {
    this._execute('mlws:open-model', { name });
  }

  openRun(run: string): void {
    this._execute('mlws:open-run', { run });
  }

  /** Shows what differs between two commits. */
  compareCode(from: string, to: string): void {
    this._execute('mlws:compare-snapshot', { id: from, to });
  }

  /** Opens the file that names a model; a workflow on the canvas. */
  openUse(use: IModelUse): void {
    const { project } = this._client;
    if (project) {
      const factory = use.node === null ? undefined : CANVAS_FACTORY;
      this._documents.open(project, use.path, factory);
    }
  }

  copyAddress(version: IModelVersion): void {
    Clipboard.copyToSystem(version.uri);
    Notification.success(trans.__('Copied %1.', version.uri), {
      autoClose: NOTICE_DURATION
    });
  }

  /** Changes the description of a model; returns whether it was saved. */
  async describe(name: string, description: string): Promise<boolean> {
    const model = await notifyOnError(async () => {
      const changed = await this._client.patch(modelPath(name), {
        description
      });
      await this._client.refresh('/models');
      return changed;
    });
    return model !== undefined;
  }

  async promote(version: IModelVersion): Promise<void> {
    await notifyOnError(async () => {
      const { aliases } = await this._client.get(modelPath(version.name), {
        limit: 1
      });
      const alias = await ask(
        trans.__('Set Alias for %1 %2', version.name, version.version),
        trans.__('Set Alias'),
        new PromoteForm(version, aliases)
      );
      if (!alias) {
        return;
      }
      await this._client.put(aliasPath(version, alias), {
        version: version.version
      });
      await this._client.refresh('/models');
      Notification.success(
        trans.__(
          'Alias “%1” of %2 now points to version %3.',
          alias,
          version.name,
          version.version
        ),
        { autoClose: NOTICE_DURATION }
      );
    });
  }

  removeAlias(version: IModelVersion, alias: string): void {
    void notifyOnError(async () => {
      const isMeant = await confirm(
        trans.__('Remove alias “%1”?', alias),
        trans.__(
          'Loading %2 by the alias “%1” will fail. The version and the alias history are kept.',
          alias,
          version.name
        ),
        trans.__('Remove')
      );
      if (isMeant) {
        await this._client.delete(aliasPath(version, alias));
        await this._client.refresh('/models');
      }
    });
  }

  compare(ids: readonly string[]): void {
    this._execute('mlws:compare-models', { ids });
  }

  lineage(version: IModelVersion): void {
    const of = `model:${version.name}:${version.version}`;
    this._execute('mlws:open-lineage', { of });
  }

  register(run?: IExperimentRun): void {
    void notifyOnError(() => this._register(run));
  }

  private async _register(run?: IExperimentRun): Promise<void> {
    const runs = run ? [run] : await this._newestRuns();
    if (runs.length === 0) {
      await showDialog({
        title: trans.__('No Runs to Register'),
        body: trans.__(
          'Run a workflow, or track a notebook or script. You can then register its run.'
        ),
        buttons: [Dialog.okButton({ label: trans.__('Close') })]
      });
      return;
    }
    const { items } = await this._client.get('/models', {
      limit: MAX_SUGGESTIONS
    });
    const names = items.map(item => item.name);
    const registration = await ask(
      trans.__('Register Model'),
      trans.__('Register'),
      new RegisterForm(runs, names, id => this._outputs(id))
    );
    if (!registration) {
      return;
    }
    const { run: id, name, artifacts } = registration;
    const version = await this._client.post('/models', {
      name,
      run_id: id,
      artifacts
    });
    await this._client.refresh('/models');
    Notification.success(
      trans.__('Registered %1, version %2.', version.name, version.version),
      { autoClose: NOTICE_DURATION }
    );
  }

  private async _outputs(run: string): Promise<IRunOutput[]> {
    const path = `/runs/${encodeURIComponent(run)}/outputs` as const;
    return (await this._client.get(path)).items;
  }

  /** Returns the newest runs that MLflow has. */
  private async _newestRuns(): Promise<IExperimentRun[]> {
    const page = await this._client.get('/runs', {
      limit: MAX_RUNS
    });
    return page.items.filter(run => run.id !== null);
  }
}

export function modelPath(name: string) {
  return `/models/${encodeURIComponent(escapeId(name))}` as const;
}

export function versionPath({ name, version }: IModelVersion) {
  return `${modelPath(name)}/versions/${String(version)}` as const;
}

function aliasPath({ name }: IModelVersion, alias: string) {
  return `${modelPath(name)}/aliases/${encodeURIComponent(alias)}` as const;
}
