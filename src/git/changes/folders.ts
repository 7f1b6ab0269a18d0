import type { IChange } from '../../api/models';

/** Entries of a folder up to which a list of new files names each of them. */
const MAX_ENTRIES = 10;

/** A folder full of new files. */
export interface IFullFolder {
  /** With a slash at its end. */
  folder: string;
  changes: readonly IChange[];
}

export type Entry = IChange | IFullFolder;

export function isFolder(entry: Entry): entry is IFullFolder {
  return 'folder' in entry;
}

/** The changes in their order; full folders of new files in the place of their first file. */
export function byFolder(changes: readonly IChange[]): Entry[] {
  const folders = new Map<IChange, IFullFolder>();
  const isNew = (change: IChange) => change.state === 'untracked';
  for (const full of fullFolders(changes.filter(isNew), '')) {
    full.changes.forEach(change => folders.set(change, full));
  }
  return [
    ...new Set(changes.map((change): Entry => folders.get(change) ?? change))
  ];
}

function fullFolders(
  changes: readonly IChange[],
  inside: string
): IFullFolder[] {
  const children = new Map<string, IChange[]>();
  for (const change of changes) {
    const slash = change.path.indexOf('/', inside.length);
    const child = slash < 0 ? change.path : change.path.slice(0, slash + 1);
    const members = children.get(child);
    if (members) {
      members.push(change);
    } else {
      children.set(child, [change]);
    }
  }
  if (inside !== '' && children.size > MAX_ENTRIES) {
    return [{ folder: inside, changes }];
  }
  return [...children].flatMap(([child, members]) =>
    child.endsWith('/') ? fullFolders(members, child) : []
  );
}
