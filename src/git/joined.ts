import type { IChange, IGitStatus } from '../api/models';

/** Paths up to which it is worth asking for them alone. */
const FEW = 50;

/** Whether what is known of the other paths holds when these `touched` ones are read anew. */
export function canJoin(
  status: IGitStatus,
  touched: ReadonlySet<string>
): boolean {
  return (
    touched.size > 0 &&
    touched.size <= FEW &&
    // Both ends of a rename are told together, and data by files that are not among these paths.
    !status.changes.some(
      one => one.old_path || (one.kind === 'data' && one.state === 'untracked')
    )
  );
}

/** `before`, with what `part` says of the `paths`. */
export function join(
  before: IGitStatus,
  part: IGitStatus,
  paths: readonly string[]
): IGitStatus {
  const anew = new Set(part.changes.map(one => one.path));
  const kept = before.changes.filter(
    one => !anew.has(one.path) && !paths.some(path => overlaps(one, path))
  );
  const changes = [...kept, ...part.changes].sort((one, other) =>
    one.path < other.path ? -1 : 1
  );
  return { ...part, changes };
}

/** A folder's row tells of what is in it: of data, and of a repository inside this one. */
function overlaps(change: IChange, path: string): boolean {
  const own = change.path.replace(/\/$/, '');
  return (
    own === path || own.startsWith(`${path}/`) || path.startsWith(`${own}/`)
  );
}
