import type { IChange, IGitStatus } from '../../api/models';

/** Changes by group; a path can be both staged and unstaged. */
export interface IChangeGroups {
  conflicts: IChange[];
  staged: IChange[];
  /** Not staged, data that DVC tracks too. */
  rest: IChange[];
  /** Data that this machine does not have yet: no change to commit. */
  notPulled: IChange[];
}

export function groupChanges(status: IGitStatus): IChangeGroups {
  const conflicts = status.changes.filter(one => one.state === 'conflicted');
  const notPulled = status.changes.filter(one => one.state === 'not_pulled');
  const others = status.changes.filter(
    one => one.state !== 'conflicted' && one.state !== 'not_pulled'
  );
  return {
    conflicts,
    notPulled,
    staged: others.filter(one => one.index_state !== null),
    rest: others.filter(
      one => one.worktree_state !== null || one.index_state === null
    )
  };
}

/** Tests whether git's index can contain a change: DVC-tracked data is in its `.dvc` file. */
export function isStageable({ kind, path, too_large }: IChange): boolean {
  return (
    !too_large && (kind !== 'data' || /(\.dvc|(^|\/)dvc\.lock)$/.test(path))
  );
}
