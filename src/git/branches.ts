import { WorkspaceModel } from '../api/live';
import type {
  IBranch,
  IPage,
  IRemote,
  ISafetyCopy,
  IStash,
  ITag
} from '../api/models';

/** Branches, tags, stashes and remotes of the project. */
export class BranchesModel extends WorkspaceModel {
  /** Those of this repository, the newest first. */
  get local(): readonly IBranch[] {
    return this._branches.filter(branch => branch.remote === null);
  }

  /** Those that remotes are known to have. */
  get remote(): readonly IBranch[] {
    return this._branches.filter(branch => branch.remote !== null);
  }

  /** The branch that is checked out; null where HEAD is on none, or before the first commit. */
  get current(): IBranch | null {
    return this._branches.find(branch => branch.current) ?? null;
  }

  get tags(): readonly ITag[] {
    return this._tags;
  }

  get stashes(): readonly IStash[] {
    return this._stashes;
  }

  /** What restores, discards and aborted merges replaced, newest first. */
  get safetyCopies(): readonly ISafetyCopy[] {
    return this._safetyCopies;
  }

  get remotes(): readonly IRemote[] {
    return this._remotes;
  }

  protected async load(): Promise<void> {
    const read = async <T>(path: string) =>
      (await this.client.get<IPage<T>>(path)).items;
    [
      this._branches,
      this._tags,
      this._stashes,
      this._safetyCopies,
      this._remotes
    ] = await Promise.all([
      read<IBranch>('/git/branches'),
      read<ITag>('/git/tags'),
      read<IStash>('/git/stashes'),
      read<ISafetyCopy>('/git/safety'),
      read<IRemote>('/git/remotes')
    ]);
  }

  protected reset(): void {
    this._branches = this._tags = this._stashes = this._remotes = [];
    this._safetyCopies = [];
  }

  private _branches: readonly IBranch[] = [];
  private _tags: readonly ITag[] = [];
  private _stashes: readonly IStash[] = [];
  private _safetyCopies: readonly ISafetyCopy[] = [];
  private _remotes: readonly IRemote[] = [];
}
