import { IEventStream, MLWSClient } from '../api/client';
import { WorkspaceModel } from '../api/live';
import type {
  IFileDiff,
  ISnapshotDiff,
  IWorkspaceEvent,
  WorkspaceArea
} from '../api/models';

/** git's name of the tree without files: what a first commit is compared with. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Two versions; without `to`, the working tree is compared. */
export interface IVersions {
  from: string;
  to?: string;
  /** Instead: HEAD with what is staged (true), or that with the working tree (false). */
  staged?: boolean;
}

/** Changes in which areas change what lies between two versions. */
function areasOf(versions: IVersions): WorkspaceArea[] {
  const moves = versions.from === 'HEAD' || versions.to === 'HEAD';
  return [
    ...(moves ? ['history' as const] : []),
    ...(versions.to ? [] : ['changes' as const])
  ];
}

/** The differences of one file between two versions; follows the working tree. */
export class FileDiffModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    readonly path: string,
    readonly versions: IVersions
  ) {
    super(client, events, areasOf(versions));
  }

  /** Null until read. */
  get diff(): IFileDiff | null {
    return this._diff;
  }

  protected async load(): Promise<void> {
    const { staged } = this.versions;
    const versions = staged === undefined ? this.versions : { staged };
    this._diff = await this.client.get('/git/diff', {
      path: this.path,
      ...versions
    });
  }

  protected reset(): void {
    this._diff = null;
  }

  private _diff: IFileDiff | null = null;
}

/** The differences of two versions in code, data, parameters and metrics. */
export class SnapshotDiffModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    readonly versions: IVersions
  ) {
    super(client, events, areasOf(versions));
  }

  /** Null until read. */
  get diff(): ISnapshotDiff | null {
    return this._diff;
  }

  protected async load(): Promise<void> {
    this._diff = await this.client.get('/snapshots/diff', { ...this.versions });
  }

  protected reset(): void {
    this._diff = null;
  }

  private _diff: ISnapshotDiff | null = null;
}
