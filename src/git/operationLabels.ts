import type { ConflictHow, Side } from '../api/models';
import { trans } from '../ui/locale';

/** The name of an unfinished operation in a title. */
export function operationLabel(operation: string): string {
  const labels: Record<string, string> = {
    merge: trans.__('Merge'),
    rebase: trans.__('Rebase'),
    am: trans.__('Patches'),
    'cherry-pick': trans.__('Cherry-Pick'),
    revert: trans.__('Revert'),
    bisect: trans.__('Bisect'),
    restore: trans.__('Restore'),
    stash: trans.__('Stash'),
    checkout: trans.__('Checkout')
  };
  return labels[operation] ?? operation;
}

/** Explanation of a pending operation. */
export function operationHint(operation: string): string {
  switch (operation) {
    case 'restore':
    case 'stash':
    case 'checkout':
      return trans.__(
        'It was interrupted: some files are changed already, others are not. Finish it, ' +
          'or abort it to get back the files from before.'
      );
    case 'bisect':
      return trans.__(
        'Git has checked out an older commit for a search (detached HEAD). It stays until ' +
          'you abort.'
      );
    default:
      return trans.__('Git waits for you before it goes on.');
  }
}

/** The label of the button that continues an operation. */
export function continueLabel(operation: string): string {
  const label = operationLabel(operation);
  return ['merge', 'restore', 'stash', 'checkout'].includes(operation)
    ? trans.__('Finish %1', label)
    : trans.__('Continue %1', label);
}

export function sideLabel(side: Side): string {
  const labels: Record<Side, string> = {
    ours: trans.__('Ours'),
    base: trans.__('Base'),
    theirs: trans.__('Theirs')
  };
  return labels[side];
}

/** The titles of the three versions of a file in conflict. */
export function sideTitles(
  names: Record<'ours' | 'theirs', string>
): Record<Side, string> {
  return {
    ours: `${sideLabel('ours')}: ${names.ours}`,
    base: sideLabel('base'),
    theirs: `${sideLabel('theirs')}: ${names.theirs}`
  };
}

/** Label of a conflict by the changes of both sides. */
export function conflictLabel(how: ConflictHow): string {
  const labels: Record<ConflictHow, string> = {
    both_modified: trans.__('changed on both sides'),
    both_added: trans.__('added on both sides'),
    both_deleted: trans.__('deleted on both sides'),
    deleted_by_us: trans.__('deleted in ours, changed in theirs'),
    deleted_by_them: trans.__('changed in ours, deleted in theirs'),
    added_by_us: trans.__('added in ours'),
    added_by_them: trans.__('added in theirs')
  };
  return labels[how] ?? how;
}
