import { diffIndices } from 'node-diff3';

import type { Side } from '../../api/models';

/** Lines from `start` up to `end`, which is not among them. */
interface ILines {
  start: number;
  end: number;
}

/** Source of a change: one side, both sides equally, or both in conflict. */
type PieceKind = 'ours' | 'theirs' | 'agreed' | 'conflict';

/** Range of lines that differs between the versions. */
export interface IPiece extends Record<Side, ILines> {
  kind: PieceKind;
}

/** Change of a side to the base. */
interface IHunk {
  side: 'ours' | 'theirs';
  base: ILines;
  own: ILines;
}

/** The lines of a text, each with its end; line ends are line feeds from then on. */
export function linesOf(text: string): string[] {
  return text.replace(/\r\n?/g, '\n').match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The three versions as lines. */
export type Sides = Record<Side, readonly string[]>;

/** Returns the sides of a merge; without a base, the common lines of both replace it. */
export function sidesOf(texts: Record<Side, string | null>): Sides {
  const ours = linesOf(texts.ours ?? '');
  const theirs = linesOf(texts.theirs ?? '');
  const base =
    texts.base === null ? commonLines(ours, theirs) : linesOf(texts.base);
  return { base, ours, theirs };
}

/** Differences of three versions, in order; without a base every difference is a conflict. */
export function compareThree(sides: Sides, hasBase: boolean): IPiece[] {
  const { base, ours, theirs } = sides;
  const hunks = [
    ...hunksOf('ours', base, ours),
    ...hunksOf('theirs', base, theirs)
  ].sort((one, other) => one.base.start - other.base.start);
  const pieces: IPiece[] = [];
  const shift = { ours: 0, theirs: 0 };
  for (let at = 0; at < hunks.length;) {
    const group = [hunks[at++]];
    let end = group[0].base.end;
    // As in git: changes with no common line between them are a single piece.
    while (at < hunks.length && hunks[at].base.start <= end) {
      end = Math.max(end, hunks[at].base.end);
      group.push(hunks[at++]);
    }
    const span = { start: group[0].base.start, end };
    const own = (side: 'ours' | 'theirs') => place(side, group, span, shift);
    const piece = { base: span, ours: own('ours'), theirs: own('theirs') };
    const changed = kindOf(group, piece, ours, theirs);
    const kind = hasBase || changed === 'agreed' ? changed : 'conflict';
    pieces.push({ kind, ...piece });
  }
  return pieces;
}

/** Common lines of both sides, as a replacement for a missing base. */
function commonLines(
  ours: readonly string[],
  theirs: readonly string[]
): string[] {
  const common: string[] = [];
  let at = 0;
  for (const { base: changed } of hunksOf('theirs', ours, theirs)) {
    common.push(...ours.slice(at, changed.start));
    at = changed.end;
  }
  return [...common, ...ours.slice(at)];
}

function hunksOf(
  side: 'ours' | 'theirs',
  base: readonly string[],
  own: readonly string[]
): IHunk[] {
  // Common prefix and suffix are skipped, since they make the comparison slow.
  const shorter = Math.min(base.length, own.length);
  let head = 0;
  while (head < shorter && base[head] === own[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < shorter - head &&
    base[base.length - 1 - tail] === own[own.length - 1 - tail]
  ) {
    tail += 1;
  }
  const middle = (lines: readonly string[]) =>
    lines.slice(head, lines.length - tail);
  const lines = ([start, length]: [number, number]): ILines => ({
    start: head + start,
    end: head + start + length
  });
  return diffIndices(middle(base), middle(own)).map(match => ({
    side,
    base: lines(match.buffer1),
    own: lines(match.buffer2)
  }));
}

/** Range of `span` in a side; `shift` is the offset of its lines. */
function place(
  side: 'ours' | 'theirs',
  group: readonly IHunk[],
  span: ILines,
  shift: Record<'ours' | 'theirs', number>
): ILines {
  const mine = group.filter(hunk => hunk.side === side);
  const start = span.start + shift[side];
  const last = mine[mine.length - 1];
  if (last) {
    shift[side] = last.own.end - last.base.end;
  }
  return { start, end: span.end + shift[side] };
}

function kindOf(
  group: readonly IHunk[],
  piece: { ours: ILines; theirs: ILines },
  ours: readonly string[],
  theirs: readonly string[]
): PieceKind {
  const sides = new Set(group.map(hunk => hunk.side));
  if (sides.size === 1) {
    return group[0].side;
  }
  const text = (lines: readonly string[], { start, end }: ILines) =>
    lines.slice(start, end).join('');
  return text(ours, piece.ours) === text(theirs, piece.theirs)
    ? 'agreed'
    : 'conflict';
}
