/** git's name of the tree without files: what a first commit is compared with. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Two versions; without `to`, the working tree is compared. */
export interface IVersions {
  from: string;
  to?: string;
  /** Instead: HEAD with what is staged (true), or that with the working tree (false). */
  staged?: boolean;
}

/** How long their differences hold: always between two commits, otherwise until a change. */
export function staleTimeOf({ from, to }: IVersions): 'static' | number {
  return to && ![from, to].includes('HEAD') ? 'static' : Infinity;
}
