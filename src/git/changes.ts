import { APIError } from '../api/client';
import { WorkspaceModel } from '../api/live';
import type {
  IConflicts,
  IGitStatus,
  IPage,
  ISnapshot,
  ISnapshotCreated,
  IWorkspaceEvent
} from '../api/models';
import { canJoin, join } from './joined';

/** What of the changes a commit takes, and whether it takes what looks like credentials. */
export interface ICommitOptions {
  /** Only what git's index holds. */
  staged?: boolean;
  allowSecrets?: boolean;
  /** New files although they are so many that they look like data. */
  allowMany?: boolean;
}

/** What differs from the current snapshot, and the making of the next one. */
export class ChangesModel extends WorkspaceModel {
  /** Null until read. */
  get status(): IGitStatus | null {
    return this._status;
  }

  /** Whether git's index holds anything for the next commit. */
  get hasStaged(): boolean {
    return this._status?.changes.some(one => one.staged) ?? false;
  }

  /** What a merge, or another operation of git, left to be resolved; null where nothing is. */
  get conflicts(): IConflicts | null {
    return this._conflicts;
  }

  /** The newest snapshot, with its proof; null before the first. */
  get last(): ISnapshot | null {
    return this._last;
  }

  /** The message being written. */
  get message(): string {
    return this._message;
  }

  set message(message: string) {
    this._message = message;
    this._commitError = null;
    this.changed();
  }

  /** What goes on, in the reader's words; null when nothing does. */
  get busy(): string | null {
    return this._busy;
  }

  /** Why the newest commit failed. */
  get commitError(): APIError | null {
    return this._commitError;
  }

  /** What the newest commit left out, and why. */
  get warnings(): readonly string[] {
    return this._warnings;
  }

  get canCommit(): boolean {
    return (
      this._busy === null &&
      this._message.trim() !== '' &&
      this._status !== null
    );
  }

  /**
   * Makes a snapshot of everything that changed, or of what is staged.
   *
   * `prepare` runs first (it saves the open documents); `busy` is told to people meanwhile.
   * Resolves to null when it fails: the reason is then `commitError`.
   */
  async commit(
    busy: string,
    prepare: () => Promise<void>,
    {
      staged = false,
      allowSecrets = false,
      allowMany = false
    }: ICommitOptions = {}
  ): Promise<ISnapshot | null> {
    if (!this.canCommit) {
      return null;
    }
    this._busy = busy;
    this._commitError = null;
    this._warnings = [];
    this.changed();
    try {
      await prepare();
      const body = {
        message: this._message.trim(),
        allow_secrets: allowSecrets,
        allow_many: allowMany,
        staged
      };
      const made = await this.client.post<ISnapshotCreated>('/snapshots', body);
      this._last = made;
      this._warnings = made.warnings ?? [];
      this._message = '';
      return this._last;
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._commitError = error;
      return null;
    } finally {
      // Until it is known what is left, nothing can be said of the next commit.
      await this.refresh();
      this._busy = null;
      this.changed();
    }
  }

  refresh(): Promise<void> {
    this._touched = null;
    return super.refresh();
  }

  protected hear(event: IWorkspaceEvent): void {
    if (event.type !== 'workspace' || !event.paths || this._touched === null) {
      void this.refresh();
      return;
    }
    event.paths.forEach(path => this._touched?.add(path));
    void super.refresh();
  }

  protected async load(): Promise<void> {
    const touched = this._touched;
    this._touched = new Set();
    let status: IGitStatus;
    try {
      status = await this._ask(touched);
    } catch (error) {
      this._touched = null;
      throw error;
    }
    const unmerged = status.changes.some(one => one.state === 'conflicted');
    this._conflicts =
      unmerged || status.operation === 'merge'
        ? await this.client.get<IConflicts>('/git/conflicts')
        : null;
    this._status = status;
    if (this._lastOf === status.head) {
      return;
    }
    // What changed is shown before the newest snapshot has been looked up.
    this.changed();
    const newest = await this.client.get<IPage<ISnapshot>>('/snapshots', {
      limit: 1
    });
    const id = newest.items[0]?.id;
    // Lists carry no proof: it is checked for the one snapshot that is asked for.
    if (id === undefined) {
      this._last = null;
    } else if (id !== this._last?.id) {
      this._last = await this.client.get<ISnapshot>(`/snapshots/${id}`);
    }
    this._lastOf = status.head;
  }

  /** The status, of which only the `touched` paths are asked for where that is enough. */
  private async _ask(touched: Set<string> | null): Promise<IGitStatus> {
    const before = this._status;
    if (touched && before && canJoin(before, touched)) {
      const paths = [...touched];
      const part = await this.client.get<IGitStatus>('/git/status', { paths });
      if (part.head === before.head) {
        return join(before, part, paths);
      }
    }
    return this.client.get<IGitStatus>('/git/status');
  }

  protected reset(): void {
    this._status = this._last = this._commitError = this._conflicts = null;
    this._lastOf = undefined;
    this._message = '';
    this._warnings = [];
  }

  private _status: IGitStatus | null = null;
  /** The paths that changed since the status was read; null where anything may have. */
  private _touched: Set<string> | null = null;
  private _last: ISnapshot | null = null;
  /** Of which head `last` is the newest snapshot; undefined before it was looked up. */
  private _lastOf: string | null | undefined = undefined;
  private _conflicts: IConflicts | null = null;
  private _message = '';
  private _busy: string | null = null;
  private _warnings: readonly string[] = [];
  private _commitError: APIError | null = null;
}
