import type { IDiffHunk } from '../../api/models';
import { blocksOf, hunkLines, lineName } from '../../ui/diff/unified';

/** Side of a diff, by the field of a line that has its number. */
export type Side = 'from' | 'to';

/**
 * Changed lines that a selection in one side has a part in, with the lines of the other side that
 * they replace; `hunks` are the IDs of their hunks.
 *
 * Lines that only the other side has count if the selection goes on across their place.
 */
export function linesBeside(
  hunks: readonly IDiffHunk[],
  side: Side,
  [first, last]: readonly [number, number]
): { ids: string[]; lines: string[] } {
  const selection = { ids: [] as string[], lines: [] as string[] };
  for (const hunk of hunks) {
    const lines = hunkLines(hunk).filter(({ kind }) => kind !== 'note');
    const names = blocksOf(lines).flatMap(({ removed, added }) => {
      const [own, other] = side === 'to' ? [added, removed] : [removed, added];
      if (own.length === 0) {
        const before = lines[other[0] - 1]?.[side] ?? 0;
        return first <= before && before < last ? other : [];
      }
      const isSelected = (at: number) =>
        first <= lines[at][side]! && lines[at][side]! <= last;
      // The last line replaces all that are left.
      const partners = other.filter((_, number) =>
        isSelected(own[Math.min(number, own.length - 1)])
      );
      return [...own.filter(isSelected), ...partners];
    });
    if (names.length > 0) {
      selection.ids.push(hunk.id);
      selection.lines.push(...names.map(at => lineName(lines[at])));
    }
  }
  return selection;
}
