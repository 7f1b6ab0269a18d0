import { expect, it } from 'vitest';

import type { ITableMerge } from '../../api/models';
import { isMergeable, openCount } from './tableMerge';

const conflict = { key: '1', column: 'a', base: '', ours: 'b', theirs: 'c' };
const merge: ITableMerge = {
  path: 't.csv',
  key: 'id',
  rows: 2,
  from_theirs: 0,
  combined: 1,
  conflicts: ['x', 'y'].map(id => ({ ...conflict, id, take: null })),
  conflict_count: 2,
  unresolved: 2,
  problem: null
};

it('counts the conflicts without a choice', () => {
  expect(openCount(merge, {})).toBe(2);
  expect(openCount(merge, { x: 'ours' })).toBe(1);
  expect(openCount(merge, { '*': 'theirs' })).toBe(0);
});

it('merges tables and pointers to them', () => {
  expect(['a.csv', 'a.parquet.dvc', 'a.py', 'a.dvc'].map(isMergeable)).toEqual([
    true,
    true,
    false,
    false
  ]);
});
