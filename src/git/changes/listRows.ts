import type { IChange } from '../../api/models';
import { byFolder, isFolder } from './folders';

/** Number of new files above which a folder of them is closed at first in a tree. */
const MAX_OPEN = 100;

/** A line of a list of changes: a file, or a folder with its changes. */
export interface IListRow {
  /** Of a folder without a slash at its end. */
  path: string;
  depth: number;
  /** Its text; a folder that has only one folder is joined with it. */
  name: string;
  change: IChange | null;
  /** The changes of a folder; empty for a file. */
  changes: readonly IChange[];
  /** True for a folder with nothing but new files, which can be staged as a whole. */
  isNew: boolean;
  isOpen: boolean;
}

/**
 * The visible lines of some changes.
 *
 * `toggled`: folders that are not as at first: in a list all are closed, in a tree those with many
 * new files.
 */
export function listRows(
  changes: readonly IChange[],
  isTree: boolean,
  toggled: ReadonlySet<string>
): IListRow[] {
  if (isTree) {
    return treeRows(changes, '', 0, toggled);
  }
  return byFolder(changes).flatMap(entry => {
    if (!isFolder(entry)) {
      return [fileRow(entry, 0)];
    }
    const path = entry.folder.slice(0, -1);
    const isOpen = toggled.has(path);
    const name = `${path.slice(path.lastIndexOf('/') + 1)}/`;
    const files = isOpen ? entry.changes.map(one => fileRow(one, 1)) : [];
    return [folderRow(path, name, 0, entry.changes, isOpen), ...files];
  });
}

function treeRows(
  changes: readonly IChange[],
  inside: string,
  depth: number,
  toggled: ReadonlySet<string>
): IListRow[] {
  const folders = new Map<string, IChange[]>();
  const files: IChange[] = [];
  for (const change of changes) {
    const slash = change.path.indexOf('/', inside.length);
    if (slash < 0 || slash === change.path.length - 1) {
      files.push(change);
      continue;
    }
    const folder = change.path.slice(0, slash + 1);
    const members = folders.get(folder);
    if (members) {
      members.push(change);
    } else {
      folders.set(folder, [change]);
    }
  }
  const rows = [...folders].flatMap(([first, members]) => {
    const folder = joined(first, members);
    const path = folder.slice(0, -1);
    const isLarge = members.length > MAX_OPEN && areNew(members);
    const isOpen = toggled.has(path) === isLarge;
    const name = path.slice(inside.length);
    return [
      folderRow(path, name, depth, members, isOpen),
      ...(isOpen ? treeRows(members, folder, depth + 1, toggled) : [])
    ];
  });
  return [...rows, ...files.map(change => fileRow(change, depth))];
}

function areNew(changes: readonly IChange[]): boolean {
  return changes.every(one => one.state === 'untracked');
}

/** The deepest folder that has all of the changes. */
function joined(folder: string, changes: readonly IChange[]): string {
  const [{ path }] = changes;
  const slash = path.indexOf('/', folder.length);
  const next = path.slice(0, slash + 1);
  return slash >= 0 &&
    slash < path.length - 1 &&
    changes.every(one => one.path.startsWith(next))
    ? joined(next, changes)
    : folder;
}

function fileRow(change: IChange, depth: number): IListRow {
  const name = change.path.slice(change.path.lastIndexOf('/') + 1);
  return {
    path: change.path,
    depth,
    name,
    change,
    changes: [],
    isNew: change.state === 'untracked',
    isOpen: false
  };
}

function folderRow(
  path: string,
  name: string,
  depth: number,
  changes: readonly IChange[],
  isOpen: boolean
): IListRow {
  const isNew = areNew(changes);
  return { path, depth, name, change: null, changes, isNew, isOpen };
}
