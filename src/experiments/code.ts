import type { IChangedFile, IExperimentRun } from '../api/models';

/** Lines that are shown without a click, over all files. */
const MAX_SHOWN_LINES = 200;

/** Files that DVC writes beside a workflow when it runs. */
const WRITTEN_NAMES: readonly string[] = ['.gitignore', 'dvc.lock'];

/** The commits whose code is compared, and which the first is. */
export interface ICodeSides {
  from: string;
  to: string;
  of: 'compared' | 'parent' | 'before';
}

/**
 * Returns what a run's code is compared with: the code of the compared run, else that of the run
 * that it is in, else its own without the uncommitted changes. Null if there is none of them.
 */
export function codeSides(
  run: IExperimentRun,
  baseline: IExperimentRun | null,
  parent: IExperimentRun | undefined
): ICodeSides | null {
  const { commit: to } = run;
  if (to === null) {
    return null;
  }
  if (baseline) {
    const { commit: from } = baseline;
    return from === null ? null : { from, to, of: 'compared' };
  }
  if (parent?.commit && parent.commit !== to) {
    return { from: parent.commit, to, of: 'parent' };
  }
  // The commit of a run with uncommitted changes follows the one that was checked out.
  return run.dirty ? { from: `${to}^`, to, of: 'before' } : null;
}

/** Orders files for reading: code, then what the workflow wrote, such as its lock. */
export function inReadingOrder(
  files: readonly IChangedFile[],
  outputs: ReadonlySet<string>
): IChangedFile[] {
  const isWritten = ({ path }: IChangedFile): boolean =>
    outputs.has(path) || WRITTEN_NAMES.includes(path.split('/').pop()!);
  return [
    ...files.filter(file => !isWritten(file)),
    ...files.filter(isWritten)
  ];
}

/** Tests whether all changes are few enough to be shown at once. */
export function areFew(files: readonly IChangedFile[]): boolean {
  const lines = files.reduce(
    (sum, { additions, deletions }) =>
      sum + (additions ?? 0) + (deletions ?? 0),
    0
  );
  return lines <= MAX_SHOWN_LINES;
}
