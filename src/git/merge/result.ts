import type { Side, SideChoice } from '../../api/models';
import type { IPiece, Sides } from './threeWay';

/** State of a conflict: open, resolved by a side, or edited. */
export type Choice = SideChoice | 'edited' | null;

/** Piece with its range in the result, as offsets in the text. */
export interface IRegion {
  id: number;
  piece: IPiece;
  from: number;
  to: number;
  choice: Choice;
}

/** Text of a piece by a choice; of both, ours comes first. */
export function textBy(
  sides: Sides,
  piece: IPiece,
  choice: SideChoice
): string {
  const text = (side: Side) =>
    sides[side].slice(piece[side].start, piece[side].end).join('');
  if (choice !== 'both') {
    return text(choice);
  }
  const ours = text('ours');
  const gap = ours !== '' && !ours.endsWith('\n') ? '\n' : '';
  return ours + gap + text('theirs');
}

/**
 * Initial text of the merge: changes of one side are applied; for conflicts, the base stays until a
 * side is chosen.
 */
export function beginning(
  sides: Sides,
  pieces: readonly IPiece[]
): { text: string; regions: IRegion[] } {
  let text = '';
  let at = 0;
  const regions = pieces.map((piece, id): IRegion => {
    text += sides.base.slice(at, piece.base.start).join('');
    at = piece.base.end;
    const from = text.length;
    const auto = piece.kind === 'theirs' ? 'theirs' : 'ours';
    const choice = piece.kind === 'conflict' ? null : auto;
    text += textBy(sides, piece, choice ?? 'base');
    return { id, piece, from, to: text.length, choice };
  });
  text += sides.base.slice(at).join('');
  return { text, regions };
}

export function isConflict(region: IRegion): boolean {
  return region.piece.kind === 'conflict';
}

/** Number of open conflicts. */
export function openConflicts(regions: readonly IRegion[]): number {
  return regions.filter(one => isConflict(one) && one.choice === null).length;
}
