import { diff3Merge, diffIndices } from 'node-diff3';

import type { Value } from './values';

/**
 * Joins two texts that came of one, line by line.
 *
 * Null where both changed the same lines in different ways.
 */
export function mergeTexts(
  ours: string,
  base: string,
  theirs: string
): string | null {
  const lines = (text: string): string[] => text.split('\n');
  const parts = diff3Merge(lines(ours), lines(base), lines(theirs), {
    excludeFalseConflicts: true
  });
  const result: string[] = [];
  for (const part of parts) {
    if (!part.ok) {
      return null;
    }
    result.push(...part.ok);
  }
  return result.join('\n');
}

/** The old items from `start` to `end` give way to the new ones from `from` to `to`. */
export interface IHunk {
  start: number;
  end: number;
  from: number;
  to: number;
}

/** Where two lists differ. */
export function hunks(
  before: readonly Value[],
  after: readonly Value[]
): IHunk[] {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && Object.is(before[head], after[head])) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < most - head &&
    Object.is(before[before.length - 1 - tail], after[after.length - 1 - tail])
  ) {
    tail += 1;
  }
  return diffIndices(
    before.slice(head, before.length - tail).map(keyOf),
    after.slice(head, after.length - tail).map(keyOf)
  ).map(({ buffer1: [start, count], buffer2: [from, length] }) => ({
    start: head + start,
    end: head + start + count,
    from: head + from,
    to: head + from + length
  }));
}

/** Two items with the same key are the same. */
function keyOf(value: Value): string {
  return typeof value === 'string' ? `"${value}` : JSON.stringify(value);
}
