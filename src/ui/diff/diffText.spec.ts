import { Chunk } from '@codemirror/merge';
import { Text } from '@codemirror/state';
import { expect, it } from 'vitest';

import { textOf } from './diffText';
import { parseUnified } from './unified';

/** The lines that are drawn as removed and as added. */
function drawn(unified: string): [string[], string[]] {
  const lines = parseUnified(unified).filter(line => line.kind !== 'hunk');
  const [from, to] = (['from', 'to'] as const).map(side =>
    Text.of(textOf(lines, side).split('\n'))
  );
  const chunks = Chunk.build(from, to);
  const cut = (text: Text, from: number, to: number) =>
    text.sliceString(from, to).split('\n').slice(0, -1);
  return [
    chunks.flatMap(({ fromA, toA }) => cut(from, fromA, toA)),
    chunks.flatMap(({ fromB, toB }) => cut(to, fromB, toB))
  ];
}

it.each([
  ['a line after the last', '@@ -1,2 +1,3 @@\n a\n b\n+c', [], ['c']],
  ['the last line removed', '@@ -1,3 +1,2 @@\n a\n b\n-c', ['c'], []],
  [
    'a line after a last one without a line break',
    '@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c',
    [],
    ['c']
  ],
  ['the last line changed', '@@ -1 +1 @@\n-b\n+c', ['b'], ['c']]
])('draws as changed what is: %s', (_, unified, removed, added) => {
  expect(drawn(unified)).toEqual([removed, added]);
});
