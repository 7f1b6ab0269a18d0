import { diff3Merge, diffIndices } from 'node-diff3';

import type { Value } from './values';

/**
 * Merges two texts with a common base, line by line.
 *
 * Null on a conflict.
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

/** Replacement of the items from `start` to `end` by those from `from` to `to` of the new list. */
export interface IHunk {
  start: number;
  end: number;
  from: number;
  to: number;
}

/** The differences of two lists, in their order. */
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

/** Items with the same key are the same. JSON has no text for NaN and for infinite numbers. */
function keyOf(value: Value): string {
  const textOf = (_: string, one: Value): Value =>
    typeof one === 'number' && !Number.isFinite(one) ? String(one) : one;
  return typeof value === 'string'
    ? `"${value}`
    : JSON.stringify(value, textOf);
}
