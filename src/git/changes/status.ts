import type { MLWSClient } from '../../api/client';
import type { IChange, IGitStatus, IWorkspaceEvent } from '../../api/models';
import type { IWorkspaceEvents } from '../../lab/tokens';

/** Paths up to which it is worth asking for them alone. */
const MAX_PATHS = 50;
const STATUS_KEY = ['/git/status', {}];

/** The cached status; undefined before it is loaded. */
export function knownStatus(client: MLWSClient): IGitStatus | undefined {
  return client.queries.getQueryData<IGitStatus>(STATUS_KEY);
}

/** Reloads the status of changed files only, if that is sufficient. */
export function readStatusByParts(
  client: MLWSClient,
  events: IWorkspaceEvents
): void {
  // Paths changed since the status was read; null if any path may have changed.
  let touched: Set<string> | null = null;
  const onEvent = (_: unknown, event: IWorkspaceEvent) => {
    if (event.type !== 'workspace') {
      touched = null;
    } else if (
      event.areas.some(one => one === 'changes' || one === 'history')
    ) {
      if (event.paths) {
        event.paths.forEach(path => touched?.add(path));
      } else {
        touched = null;
      }
    }
  };
  events.message.connect(onEvent);
  client.queries.setQueryDefaults([STATUS_KEY[0]], {
    queryFn: async () => {
      const paths = touched && [...touched];
      touched = new Set();
      try {
        return await readStatus(client, paths);
      } catch (error) {
        touched = null;
        throw error;
      }
    }
  });
}

async function readStatus(
  client: MLWSClient,
  paths: readonly string[] | null
): Promise<IGitStatus> {
  const before = knownStatus(client);
  if (paths && before && canJoin(before, paths)) {
    const part = await client.get('/git/status', { paths });
    if (part.head === before.head) {
      return join(before, part, paths);
    }
  }
  return client.get('/git/status');
}

/** Tests whether the status of other paths stays valid when these paths are read again. */
function canJoin(status: IGitStatus, paths: readonly string[]): boolean {
  return (
    paths.length > 0 &&
    paths.length <= MAX_PATHS &&
    // Both ends of a rename are reported together, and data by files that are not among these paths.
    !status.changes.some(
      one => one.old_path || (one.kind === 'data' && one.state === 'untracked')
    )
  );
}

/** Merges the status of the `paths` in `part` into `before`. */
function join(
  before: IGitStatus,
  part: IGitStatus,
  paths: readonly string[]
): IGitStatus {
  const anew = new Set(part.changes.map(one => one.path));
  const others = before.changes.filter(
    one => !anew.has(one.path) && !paths.some(path => overlaps(one, path))
  );
  const changes = [...others, ...part.changes].sort((one, other) =>
    one.path < other.path ? -1 : 1
  );
  return { ...part, changes };
}

/** A folder's row represents its content: data, or a nested repository. */
function overlaps(change: IChange, path: string): boolean {
  const own = change.path.replace(/\/$/, '');
  return (
    own === path || own.startsWith(`${path}/`) || path.startsWith(`${own}/`)
  );
}
