import type { IChange } from '../../api/models';
import { isStageable } from './groups';

/** A row of the changes: a file, or a folder of new files. */
export interface IRow {
  path: string;
  staged: boolean;
}

/** Selected rows, which are all in one list: the staged changes or the others. */
export interface ISelectedRows {
  staged: boolean;
  paths: ReadonlySet<string>;
  /** The end of a range that does not move. */
  anchor: string | null;
}

export const NONE_SELECTED: ISelectedRows = {
  staged: false,
  paths: new Set(),
  anchor: null
};

/** "only" replaces the selection, and "range" extends it from its anchor. */
export type SelectionMode = 'only' | 'toggle' | 'range';

export function isSelected(
  { staged, paths }: ISelectedRows,
  row: IRow
): boolean {
  return staged === row.staged && paths.has(row.path);
}

/** The selection after a row is chosen; `order`: the visible rows of its list. */
export function selectRow(
  before: ISelectedRows,
  { path, staged }: IRow,
  mode: SelectionMode,
  order: readonly string[]
): ISelectedRows {
  const now = before.staged === staged ? before : NONE_SELECTED;
  if (mode === 'toggle') {
    const paths = new Set(now.paths);
    if (!paths.delete(path)) {
      paths.add(path);
    }
    return { staged, paths, anchor: path };
  }
  const start = now.anchor === null ? -1 : order.indexOf(now.anchor);
  if (mode === 'range' && start >= 0) {
    const end = order.indexOf(path);
    const range = order.slice(Math.min(start, end), Math.max(start, end) + 1);
    return { staged, paths: new Set(range), anchor: now.anchor };
  }
  return { staged, paths: new Set([path]), anchor: path };
}

/** Paths that actions on a row are about. */
export interface ITargets {
  all: string[];
  /** Those that git's index can contain. */
  stageable: string[];
  /** New files, and folders with nothing else. */
  isNew: string[];
}

/** Changes by the path of their row. */
export type Chosen = ReadonlyMap<string, readonly IChange[]>;

/** The changes of the selection if a row is in it, otherwise those of the row. */
export function chosenBy(
  selected: ISelectedRows,
  row: IRow,
  changes: readonly IChange[]
): Chosen {
  const paths = isSelected(selected, row) ? [...selected.paths] : [row.path];
  return new Map(
    paths.map(path => [
      path,
      changes.filter(
        one => one.path === path || one.path.startsWith(`${path}/`)
      )
    ])
  );
}

export function targetsOf(chosen: Chosen): ITargets {
  const isNew = (change: IChange) => change.state === 'untracked';
  const found = new Map<string, readonly IChange[]>();
  const folders: string[] = [];
  for (const [path, changes] of chosen) {
    if (changes.length > 0 && changes.every(isNew)) {
      found.set(path, changes);
      folders.push(`${path}/`);
    } else {
      changes.forEach(one => found.set(one.path, [one]));
    }
  }
  const where = (test: (change: IChange) => boolean) =>
    [...found]
      .filter(
        ([path, changes]) =>
          changes.every(test) && !folders.some(one => path.startsWith(one))
      )
      .map(([path]) => path);
  return {
    all: where(() => true),
    stageable: where(isStageable),
    isNew: where(isNew)
  };
}

/** The selection without rows that are gone; `rows`: the paths of its list. */
export function withoutGone(
  selected: ISelectedRows,
  rows: ReadonlySet<string>
): ISelectedRows {
  const left = [...selected.paths].filter(path => rows.has(path));
  return left.length === selected.paths.size
    ? selected
    : { ...selected, paths: new Set(left) };
}
