import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import { confirm } from '../lab/confirm';
import type {
  Body,
  ICollected,
  IDataRemote,
  IDataset,
  IDatasetUse,
  IDatasetVersion,
  IOperation,
  IProjectInfo,
  PathOf,
  Result
} from '../api/models';
import type { Restorer } from '../lab/restorer';
import { notifyOnError } from '../lab/notify';
import type { IMLWSClient } from '../lab/tokens';
import { OperationTracker } from '../operations/tracker';
import { fileSize } from '../ui/format';
import { State, toggled } from '../ui/state';
import type { IImport } from './importForm';
import { trans, translator } from '../ui/locale';

/** The place of operations that are about no single dataset. */
export const ALL = '';

/** The place of the pull of all data that is not here. */
export const PULL = '*';

/** The group of outputs, among the paths of expanded datasets. */
export const OUTPUTS = '';

export function datasetPath(id: string) {
  return `/datasets/${encodeURIComponent(id)}` as const;
}

/** Returns the cache path of the newest verification of a dataset. */
export function verifiedPath(id: string) {
  return `${datasetPath(id)}/verify` as const;
}

/** Returns the path of a remote for data in the API. */
export function remotePath(name: string) {
  return `/datasets/remotes/${encodeURIComponent(name)}` as const;
}

/** Converts a path of the file browser to one in the project; null if it is outside. */
export function insideProject(
  project: IProjectInfo,
  path: string
): string | null {
  const folder = project.path === '.' ? '' : project.path;
  if (folder === '' || path === folder) {
    return path.slice(folder.length);
  }
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
}

function FreeSpacePlan(props: { plan: ICollected }): JSX.Element {
  const { plan } = props;
  return (
    <div className="jp-mlws-Plan">
      <p>
        {trans._n(
          '%1 unused object (%2) can be deleted.',
          '%1 unused objects (%2) can be deleted.',
          plan.objects,
          fileSize(plan.bytes)
        )}
      </p>
      <p>
        {trans._n(
          '%1 object (%2) is still used and will be kept.',
          '%1 objects (%2) are still used and will be kept.',
          plan.kept_objects,
          fileSize(plan.kept_bytes)
        )}
      </p>
      {plan.objects > 0 && (
        <p className="jp-mlws-Note jp-mod-warn">
          {trans.__(
            'This permanently deletes local copies. Remotes are not affected.'
          )}
        </p>
      )}
    </div>
  );
}

/** Actions of the data section. */
export class DatasetActions {
  constructor(
    private _client: IMLWSClient,
    private _manager: IDocumentManager,
    private _restorer: Restorer,
    private _openDiff: (dataset: IDataset, version: IDatasetVersion) => void,
    private _openNode: (use: IDatasetUse) => void,
    private _openLineage: (of: string) => void
  ) {
    this.operations = new OperationTracker(_client);
  }

  /** Transfers, imports and verifications, by the id of their dataset, or by `ALL`. */
  readonly operations: OperationTracker;
  /** The paths that are being tracked or recorded. */
  readonly adding = new State<ReadonlySet<string>>(new Set());
  /** The form that is open. */
  readonly panel = new State<'import' | 'remotes' | null>(null);

  add(): void {
    void notifyOnError(async () => {
      const { project } = this._client;
      const answer = await FileDialog.getOpenFiles({
        manager: this._manager,
        title: trans.__('Select Files or Folders to Track'),
        label: trans.__('Select a folder to track everything in it'),
        defaultPath: project && project.path !== '.' ? project.path : '',
        translator
      });
      if (answer.button.accept && answer.value) {
        const { contents } = this._manager.services;
        await this.addAll(
          answer.value.map(item => contents.localPath(item.path))
        );
      }
    });
  }

  /** Tracks files and folders by the file browser's paths. */
  async addAll(paths: readonly string[]): Promise<void> {
    const { project } = this._client;
    for (const path of project ? paths : []) {
      const inside = insideProject(project!, path);
      if (inside === null) {
        Notification.error(
          trans.__(
            "Can't track %2: it is outside the project “%1”.",
            project!.name,
            path
          ),
          { autoClose: false }
        );
        continue;
      }
      // For the project itself, the server returns the error.
      await notifyOnError(() => this._add(inside === '' ? '.' : inside));
    }
  }

  record(dataset: IDataset): void {
    void notifyOnError(() => this._add(dataset.path));
  }

  /** Downloads data; rejects with an APIError if the server refuses. */
  async import(request: IImport): Promise<void> {
    const label = trans.__('Downloading %1', request.path);
    const started = await this._client.post('/datasets/import', request);
    void this.operations
      .run(ALL, label, () => Promise.resolve(started))
      .then(() => this._client.refresh('/datasets'));
  }

  push({ id, path }: IDataset): void {
    const label = trans.__('Pushing %1', path);
    void this._run(id, label, `${datasetPath(id)}/push`);
  }

  /** Pulls all data that is not here. */
  pullAll(): void {
    void this._run(PULL, trans.__('Pulling data'), '/datasets/pull');
  }

  pull({ id, path }: Pick<IDataset, 'id' | 'path'>): void {
    const label = trans.__('Pulling %1', path);
    void this._run(id, label, `${datasetPath(id)}/pull`);
  }

  /** Verifies a dataset; `verifiedPath` has the result. */
  async verify({ id, path }: IDataset): Promise<void> {
    const { queries } = this._client;
    const key = [verifiedPath(id), {}];
    void queries.resetQueries({ queryKey: key });
    const verified = await this._run(
      id,
      trans.__('Verifying %1', path),
      `${datasetPath(id)}/verify`,
      { remote: 'ask' }
    );
    if (verified) {
      queries.setQueryData(key, verified);
    }
  }

  checkout(dataset: IDataset, version: IDatasetVersion): void {
    void notifyOnError(async () => {
      const name = trans.__('%1 of %2', dataset.path, version.short);
      await this._restorer.restore(version.commit, name, [dataset.path]);
      void this._client.refresh('/datasets');
    });
  }

  diff(dataset: IDataset, version: IDatasetVersion): void {
    this._openDiff(dataset, version);
  }

  openNode(use: IDatasetUse): void {
    this._openNode(use);
  }

  lineage(dataset: IDataset): void {
    this._openLineage(`dataset:${dataset.path}`);
  }

  freeSpace(): void {
    void notifyOnError(() => this._freeSpace());
  }

  removeRemote(remote: IDataRemote): void {
    void notifyOnError(async () => {
      const isMeant = await confirm(
        trans.__('Remove remote “%1”?', remote.name),
        trans.__(
          'Data stored at %1 is kept. Only its URL and credentials are removed here.',
          remote.url
        ),
        trans._p('remote', 'Remove')
      );
      if (isMeant) {
        await this._client.delete(remotePath(remote.name));
        void this._client.refresh('/datasets');
      }
    });
  }

  private async _add(path: string): Promise<void> {
    this.adding.value = toggled(this.adding.value, path);
    try {
      const dataset = await this._client.post('/datasets', { path });
      Notification.success(
        trans.__(
          'Recorded %1. It will be part of the next commit.',
          dataset.path
        ),
        { autoClose: 5000 }
      );
    } finally {
      this.adding.value = toggled(this.adding.value, path);
      void this._client.refresh('/datasets');
    }
  }

  private async _freeSpace(): Promise<void> {
    const plan = await this._collect(
      trans.__('Searching for unused data'),
      false
    );
    if (!plan) {
      return;
    }
    const close = Dialog.cancelButton({ label: trans.__('Close') });
    const free = Dialog.warnButton({
      label: trans.__('Free Up %1', fileSize(plan.bytes))
    });
    const answer = await showDialog({
      title:
        plan.objects === 0
          ? trans.__('Nothing to Free Up')
          : trans.__('Free up space in the cache?'),
      body: <FreeSpacePlan plan={plan} />,
      buttons: plan.objects === 0 ? [close] : [close, free],
      defaultButton: 0
    });
    if (!answer.button.accept || plan.objects === 0) {
      return;
    }
    const freed = await this._collect(trans.__('Freeing up space'), true);
    if (freed) {
      Notification.success(trans.__('Freed %1.', fileSize(freed.bytes)), {
        autoClose: 8000
      });
    }
  }

  /** Returns the objects of the cache that no snapshot uses; with `confirm`, deletes them. */
  private _collect(
    label: string,
    confirm: boolean
  ): Promise<ICollected | null> {
    return this._run(ALL, label, '/datasets/gc', { confirm });
  }

  /** Runs an operation that may change the content of stores. */
  private async _run<P extends PathOf<'post'>>(
    place: string,
    label: string,
    path: P,
    body?: Body<'post', P>
  ): Promise<Result<P> | null> {
    const start = () =>
      this._client.post(path, body) as Promise<IOperation<Result<P>>>;
    const result = await this.operations.run(place, label, start);
    void this._client.refresh('/datasets');
    return result;
  }
}
