import { trans } from '../../ui/locale';

/** git's hash of the empty tree: base of the first commit. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Versions to compare; without `to`, the working tree is compared. */
export interface IVersions {
  from: string;
  to?: string;
  /** Compares HEAD with the index (true), or the index with the working tree (false). */
  staged?: boolean;
}

const ID = /^[0-9a-f]{40,64}$/;
const MERGE_BASE = /^(.+)\.\.\.(.+)$/;

/** Stale time of a diff: between two commits it is static, otherwise valid until a change. */
export function staleTimeOf({ from, to }: IVersions): 'static' | number {
  return to && [from, to].every(version => ID.test(version))
    ? 'static'
    : Infinity;
}

/** Tests whether a file is shown as it was committed. */
export function isAtHead({ from, to }: IVersions): boolean {
  return from === EMPTY_TREE && to === 'HEAD';
}

/** Label of a version: the name of a branch or tag, or the beginning of an ID. */
function versionName(version: string): string {
  const labels: Record<string, string> = {
    HEAD: trans.__('current snapshot'),
    [EMPTY_TREE]: trans.__('empty')
  };
  const [, one, other] = MERGE_BASE.exec(version) ?? [];
  return (
    labels[version] ??
    (one
      ? trans.__(
          'merge base of %1 and %2',
          versionName(one),
          versionName(other)
        )
      : ID.test(version)
        ? version.slice(0, 8)
        : version)
  );
}

/** Labels of the two sides of a comparison. */
export function versionNames(versions: IVersions): [string, string] {
  if (versions.staged !== undefined) {
    return versions.staged
      ? [versionName('HEAD'), trans.__('staged')]
      : [trans.__('snapshot with staged changes'), trans.__('working tree')];
  }
  return [
    versionName(versions.from),
    versions.to ? versionName(versions.to) : trans.__('working tree')
  ];
}
