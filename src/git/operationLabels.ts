import type { TranslationBundle } from '@jupyterlab/translation';

import type { ConflictHow, Side } from '../api/models';

/** What the sides of a merge are called. */
export function sideLabel(side: Side, trans: TranslationBundle): string {
  const labels: Record<Side, string> = {
    ours: trans.__('Ours'),
    base: trans.__('Base'),
    theirs: trans.__('Theirs')
  };
  return labels[side];
}

/** What the two sides did to a path. */
export function conflictLabel(
  how: ConflictHow,
  trans: TranslationBundle
): string {
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
