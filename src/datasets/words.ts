import type { TranslationBundle } from '@jupyterlab/translation';

import { fileSize } from '../format';
import type { IDataset, IDatasetPlace } from './types';

/** What is to be known of a dataset at a glance. */
export type Mark =
  'changed' | 'missing' | 'unrecorded' | 'unpulled' | 'lost' | 'unpushed';

/**
 * The marks of a dataset, the most pressing first; none where all is well.
 *
 * `isUnreachable`: the remote could not be asked what it has.
 */
export function marksOf(
  dataset: IDataset,
  place: IDatasetPlace | undefined,
  isUnreachable = false
): Mark[] {
  const marks: Mark[] = [];
  if (place ? !place.cached : dataset.state === 'not_pulled') {
    // A remote that cannot be asked may have it.
    const isLost = place && place.remote !== true && !isUnreachable;
    marks.push(isLost ? 'lost' : 'unpulled');
  }
  if (dataset.state === 'deleted') {
    marks.push('missing');
  }
  if (dataset.state === 'modified') {
    marks.push('changed');
  }
  if (dataset.state === 'unrecorded') {
    marks.push('unrecorded');
  }
  if (place?.cached && place.remote === false) {
    marks.push('unpushed');
  }
  return marks;
}

export function markWord(mark: Mark, trans: TranslationBundle): string {
  const words: Record<Mark, string> = {
    changed: trans.__('changed'),
    missing: trans.__('missing'),
    unrecorded: trans.__('not made yet'),
    unpulled: trans.__('not pulled'),
    lost: trans.__('in no store'),
    unpushed: trans.__('not pushed')
  };
  return words[mark];
}

/** What a mark means and what helps. */
export function markHelp(mark: Mark, trans: TranslationBundle): string {
  const words: Record<Mark, string> = {
    changed: trans.__(
      'Other content than recorded; record it, or commit, which records it too'
    ),
    missing: trans.__(
      'Not in the working tree; pull brings back what is recorded'
    ),
    unrecorded: trans.__('A workflow makes it that has not run yet'),
    unpulled: trans.__(
      'The recorded content is not on this machine; pull brings it from the remote'
    ),
    lost: trans.__(
      'Neither this machine’s cache nor the remote is known to have the recorded content'
    ),
    unpushed: trans.__('The remote does not have the recorded content yet')
  };
  return words[mark];
}

/** "1.2 MB, 3 files"; "" where nothing is recorded. */
export function extent(
  sized: { size: number | null; files: number | null },
  language: string,
  trans: TranslationBundle
): string {
  const { size, files } = sized;
  return [
    size === null ? '' : fileSize(size, language),
    files === null ? '' : trans._n('%1 file', '%1 files', files)
  ]
    .filter(Boolean)
    .join(', ');
}
