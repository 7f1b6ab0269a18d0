/** git's hash of the empty tree: base of the first commit. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Versions to compare; without `to`, the working tree is compared. */
export interface IVersions {
  from: string;
  to?: string;
  /** Compares HEAD with the index (true), or the index with the working tree (false). */
  staged?: boolean;
}

/** Stale time of a diff: between two commits it is static, otherwise valid until a change. */
export function staleTimeOf({ from, to }: IVersions): 'static' | number {
  return to && ![from, to].includes('HEAD') ? 'static' : Infinity;
}
