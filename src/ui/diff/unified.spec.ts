import { expect, it } from 'vitest';

import { blocksOf, lineName, parseUnified, splitAtHunks } from './unified';

const DIFF = `diff --git a/train.py b/train.py
index 1..2 100644
--- a/train.py
+++ b/train.py
@@ -3,3 +3,4 @@ def f():
 same
--- minus signs
+++ plus signs
+more
 end
\\ No newline at end of file
`;

it('numbers the lines of both sides', () => {
  const lines = parseUnified(DIFF);
  expect(lines.map(line => [line.kind, line.from, line.to])).toEqual([
    ['hunk', null, null],
    ['same', 3, 3],
    ['removed', 4, null],
    ['added', null, 4],
    ['added', null, 5],
    ['same', 5, 6],
    ['note', null, null]
  ]);
});

it('takes content for content, whatever signs it begins with', () => {
  const lines = parseUnified(DIFF);
  expect(lines[2].text).toBe('-- minus signs');
  expect(lines[3].text).toBe('++ plus signs');
});

it('finds nothing in nothing', () => {
  expect(parseUnified('')).toEqual([]);
});

it('splits a diff into its hunks', () => {
  const lines = parseUnified('@@ -1 +1 @@\n-a\n+b\n@@ -9 +9,2 @@\n c\n+d');
  const texts = splitAtHunks(lines).map(hunk => hunk.map(line => line.text));
  expect(texts).toEqual([
    ['a', 'b'],
    ['c', 'd']
  ]);
});

it('names changed lines by the number on their side, block by block', () => {
  const lines = parseUnified(
    '@@ -3,5 +3,5 @@\n-a\n-b\n+c\n same\n-d\n\\ No newline\n+e\n+f'
  ).filter(line => !['hunk', 'note'].includes(line.kind));
  const names = (numbers: number[]) => numbers.map(at => lineName(lines[at]));
  expect(
    blocksOf(lines).map(({ removed, added }) => [names(removed), names(added)])
  ).toEqual([
    [['-3', '-4'], ['+3']],
    [['-6'], ['+5', '+6']]
  ]);
});
