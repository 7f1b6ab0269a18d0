import { APIError, type MLWSClient } from '../../api/client';
import type { ISnapshot } from '../../api/models';
import { State } from '../../ui/state';

/** What of the changes a commit takes, and whether it takes what looks like credentials. */
export interface ICommitOptions {
  /** Only what git's index holds. */
  staged?: boolean;
  allowSecrets?: boolean;
  /** New files although they are so many that they look like data. */
  allowMany?: boolean;
  /** Files that stay as they are. */
  leaveOut?: readonly string[];
}

/** How the newest attempt to commit goes, or went. */
interface ICommitProgress {
  /** What goes on, in the reader's language; null when nothing does. */
  busy: string | null;
  /** Why it failed. */
  error: APIError | null;
  /** Warnings of the snapshot, without those about files that are too large for git. */
  warnings: readonly string[];
}

const IDLE: ICommitProgress = { busy: null, error: null, warnings: [] };

/** The key of the newest snapshot of a commit: of a path that no event makes old. */
export function lastKey(head: string | null) {
  // Not below `/snapshots`: only another head makes it stale.
  return ['newest snapshot' as '/snapshots/{snapshot}', { head }] as const;
}

/** Reads the newest snapshot with its proof; null before the first. */
export async function readLast(client: MLWSClient): Promise<ISnapshot | null> {
  const newest = await client.get('/snapshots', { limit: 1 });
  const id = newest.items[0]?.id;
  // Lists carry no proof: it is checked for the one snapshot that is asked for.
  return id === undefined ? null : client.get(`/snapshots/${id}`);
}

/** The next commit: its message, and the making of it. */
export class CommitDraft {
  constructor(private _client: MLWSClient) {
    this.message.changed.connect(() => {
      if (this.progress.value.error) {
        this.progress.value = { ...this.progress.value, error: null };
      }
    });
    _client.projectChanged.connect(() => {
      this.message.value = '';
      this.progress.value = IDLE;
    });
  }

  readonly message = new State('');
  readonly progress = new State(IDLE);

  /**
   * Makes a snapshot of everything that changed, or of what is staged.
   *
   * `prepare` runs first (it saves the open documents); `busy` is shown meanwhile.
   * Resolves to null when it fails: `progress` has the reason.
   */
  async commit(
    busy: string,
    prepare: () => Promise<void>,
    {
      staged = false,
      allowSecrets = false,
      allowMany = false,
      leaveOut = []
    }: ICommitOptions
  ): Promise<ISnapshot | null> {
    const message = this.message.value.trim();
    if (this.progress.value.busy !== null || message === '') {
      return null;
    }
    this.progress.value = { ...IDLE, busy };
    let end = IDLE;
    try {
      await prepare();
      const snapshot = await this._client.post('/snapshots', {
        message,
        allow_secrets: allowSecrets,
        allow_many: allowMany,
        leave_out: leaveOut,
        staged
      });
      this._client.queries.setQueryData(lastKey(snapshot.id), snapshot);
      this.message.value = '';
      const { warnings = [], left_out: leftOut = [] } = snapshot;
      // What is said of large files stays beside the box as long as they are there.
      const isShown = (warning: string): boolean =>
        leftOut.some(path => warning.includes(path));
      end = { ...IDLE, warnings: warnings.filter(one => !isShown(one)) };
      return snapshot;
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      end = { ...IDLE, error };
      return null;
    } finally {
      // Until it is known what is left, nothing can be said of the next commit.
      await this._client.refresh('/git/status');
      this.progress.value = end;
    }
  }
}
