import { fileSize, listText } from '../ui/format';
import type { IAbsentData, IDataset, IDatasetPlace } from '../api/models';
import { trans } from '../ui/locale';

/** The marks in the row of a dataset. */
type Mark =
  'changed' | 'missing' | 'unrecorded' | 'unpulled' | 'lost' | 'unpushed';

/**
 * Returns the marks of a dataset, the most urgent first; none if its content is stored.
 *
 * `isUnreachable`: the content of the remote is not known.
 */
export function marksOf(
  dataset: IDataset,
  place: IDatasetPlace | undefined,
  isUnreachable = false
): Mark[] {
  const marks: Mark[] = [];
  if (place ? !place.cached : dataset.state === 'not_pulled') {
    // A remote that cannot be reached may have it.
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

export function markLabel(mark: Mark): string {
  const labels: Record<Mark, string> = {
    changed: trans.__('modified'),
    missing: trans.__('missing'),
    unrecorded: trans.__('not created yet'),
    unpulled: trans.__('not pulled'),
    lost: trans.__('not stored anywhere'),
    unpushed: trans.__('not pushed')
  };
  return labels[mark];
}

/** Returns the meaning of a mark, and the remedy. */
export function markHelp(mark: Mark): string {
  const texts: Record<Mark, string> = {
    changed: trans.__(
      'Modified since last recorded. Record it now, or it will be recorded on commit.'
    ),
    missing: trans.__('Missing in the working tree. Pull to restore it.'),
    unrecorded: trans.__('Created by a workflow that has not run yet'),
    unpulled: trans.__(
      'Not on this machine. Pull to download it from the remote.'
    ),
    lost: trans.__('Not found in the local cache or on the remote'),
    unpushed: trans.__('Not on the remote yet. Push to upload it.')
  };
  return texts[mark];
}

/** "1.2 MB, 3 files"; "" if nothing is recorded. */
export function extent(item: {
  size: number | null;
  files: number | null;
}): string {
  const { size, files } = item;
  const facts = [
    size === null ? '' : fileSize(size),
    files === null ? '' : trans._n('%1 file', '%1 files', files)
  ];
  return listText(facts.filter(Boolean));
}

/** "3 files, 1.2 GB are not here yet."; the number alone if the size is unknown. */
export function absentText({ files, size }: IAbsentData): string {
  return size === null
    ? trans._n('%1 file is not here yet.', '%1 files are not here yet.', files)
    : trans._n(
        '%1 file, %2, is not here yet.',
        '%1 files, %2, are not here yet.',
        files,
        fileSize(size)
      );
}
