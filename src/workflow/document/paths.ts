import { escapePattern } from './values';

/** Paths as `dvc.yaml` writes them: POSIX, relative to a folder of the project. */

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.length > 0 && parts[parts.length - 1] !== '..') {
      parts.pop();
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/');
}

/** Resolves `path` from `folder`. Absolute paths and URLs stay unchanged. */
export function join(folder: string, path: string): string {
  if (path.startsWith('/') || /^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    return path;
  }
  return normalise(`${folder}/${path}`).replace(
    /^\//,
    folder.startsWith('/') ? '/' : ''
  );
}

export function dirname(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut < 0 ? '' : path.slice(0, cut);
}

export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folders above a path, the nearest first. */
export function folders(path: string): string[] {
  const parents: string[] = [];
  for (
    let cut = path.lastIndexOf('/');
    cut > 0;
    cut = path.lastIndexOf('/', cut - 1)
  ) {
    parents.push(path.slice(0, cut));
  }
  return parents;
}

/** Returns `path` relative to `folder`, for a command that runs there. */
export function relative(folder: string, path: string): string {
  if (path.startsWith('/') !== folder.startsWith('/')) {
    return path;
  }
  const from = folder.split('/').filter(part => part !== '');
  const to = path.split('/').filter(part => part !== '');
  let same = 0;
  while (same < from.length && same < to.length && from[same] === to[same]) {
    same += 1;
  }
  const up = from.slice(same).map(() => '..');
  return [...up, ...to.slice(same)].join('/') || '.';
}

/** Tests whether two paths are equal, or one is a folder that contains the other. */
export function overlap(one: string, other: string): boolean {
  return (
    one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)
  );
}

/** Pattern of a path in a command that matches no longer path. */
export function pathPattern(path: string): RegExp {
  return new RegExp(
    `(?<![\\p{L}\\p{N}_./@-])${escapePattern(path)}(?![\\p{L}\\p{N}_/@-]|\\.[\\p{L}\\p{N}])`,
    'gu'
  );
}

export function extension(path: string): string {
  return /[^/]\.[^./]+$/.test(path) ? path.slice(path.lastIndexOf('.')) : '';
}

export function withExtension(path: string, next: string): string {
  return path.slice(0, path.length - extension(path).length) + next;
}
