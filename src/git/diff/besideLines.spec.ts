import { expect, it } from 'vitest';

import type { IDiffHunk } from '../../api/models';
import { linesBeside } from './besideLines';

const HUNK: IDiffHunk = {
  id: 'one',
  old_start: 10,
  old_lines: 7,
  new_start: 20,
  new_lines: 6,
  section: '',
  lines: [' a', '-b', '-c', '-d', '+B', '+C', ' e', '-f', ' g', '+h']
};

it.each([
  ['a changed line, with the one it replaces', 'to', [21, 21], ['+21', '-11']],
  [
    'the last one, with all that are left',
    'to',
    [22, 22],
    ['+22', '-12', '-13']
  ],
  ['from the left', 'from', [11, 12], ['-11', '-12', '+21', '+22']],
  ['a removal that the selection goes across', 'to', [23, 24], ['-15']],
  ['no removal at its end', 'to', [23, 23], []],
  ['unchanged lines alone', 'from', [10, 10], []]
] as const)('finds %s', (_, side, selection, lines) => {
  expect(linesBeside([HUNK], side, selection)).toEqual({
    ids: lines.length > 0 ? ['one'] : [],
    lines
  });
});
