import { diff3Merge } from 'node-diff3';

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
  const merged: string[] = [];
  for (const part of parts) {
    if (!part.ok) {
      return null;
    }
    merged.push(...part.ok);
  }
  return merged.join('\n');
}
