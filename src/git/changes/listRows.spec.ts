import { expect, it } from 'vitest';

import type { IChange } from '../../api/models';
import { listRows, type IListRow } from './listRows';

const changes = [
  'src/deep/er/a.py',
  'src/deep/er/b.py',
  'src/c.py',
  'd.py'
].map(path => ({ path, state: 'modified' }) as IChange);
const lines = (rows: readonly IListRow[]) =>
  rows.map(({ depth, name }) => `${' '.repeat(depth)}${name}`);

it('joins folders that have only one folder', () => {
  expect(lines(listRows(changes, true, new Set()))).toEqual([
    'src',
    ' deep/er',
    '  a.py',
    '  b.py',
    ' c.py',
    'd.py'
  ]);
});

it('closes folders', () => {
  const closed = new Set(['src/deep/er']);
  expect(lines(listRows(changes, true, closed))).toEqual([
    'src',
    ' deep/er',
    ' c.py',
    'd.py'
  ]);
});

it('keeps the order of the files in a list', () => {
  expect(listRows(changes, false, new Set()).map(one => one.path)).toEqual(
    changes.map(one => one.path)
  );
});

it('closes a folder of many new files at first, and opens it', () => {
  const many = Array.from(
    { length: 101 },
    (_, number) => ({ path: `out/${number}`, state: 'untracked' }) as IChange
  );
  expect(lines(listRows(many, true, new Set()))).toEqual(['out']);
  expect(listRows(many, true, new Set(['out']))).toHaveLength(102);
});
