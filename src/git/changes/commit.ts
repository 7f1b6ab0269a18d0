import { type MLWSClient, type APIError, apiError } from '../../api/client';
import type { ISnapshot } from '../../api/models';
import { State } from '../../ui/state';

/** Options of a commit: the selection of changes, and whether to include suspected credentials. */
export interface ICommitOptions {
  /** Commits the index only. */
  staged?: boolean;
  allowSecrets?: boolean;
  /** Includes new files even if their number suggests data. */
  allowMany?: boolean;
  /** Files that stay as they are. */
  leaveOut?: readonly string[];
}

/** State of the newest commit. */
interface ICommitProgress {
  /** Translated label of the step in progress; null when idle. */
  busy: string | null;
  error: APIError | null;
  /** Warnings of the snapshot, without those about files that are too large for git. */
  warnings: readonly string[];
}

const IDLE: ICommitProgress = { busy: null, error: null, warnings: [] };

/** Cache key of a commit's newest snapshot: no event makes it stale. */
export function lastKey(head: string | null) {
  // Not below `/snapshots`: only a new HEAD makes it stale.
  return ['newest snapshot' as '/snapshots/{snapshot}', { head }] as const;
}

/** Reads the newest snapshot with its proof; null before the first. */
export async function readLast(client: MLWSClient): Promise<ISnapshot | null> {
  const newest = await client.get('/snapshots', { limit: 1 });
  const id = newest.items[0]?.id;
  // Lists have no verification: it is read for a single snapshot.
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
   * Creates a snapshot of all changes, or of the index.
   *
   * `prepare` runs first (it saves the open documents); `busy` is shown meanwhile. Resolves to null
   * on failure: `progress` has the reason.
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
      // Warnings about large files stay beside the box until the files are gone.
      const isShown = (warning: string): boolean =>
        leftOut.some(path => warning.includes(path));
      end = { ...IDLE, warnings: warnings.filter(one => !isShown(one)) };
      return snapshot;
    } catch (error) {
      end = { ...IDLE, error: apiError(error) };
      return null;
    } finally {
      // The next commit needs the present status.
      await this._client.refresh('/git/status');
      this.progress.value = end;
    }
  }
}
