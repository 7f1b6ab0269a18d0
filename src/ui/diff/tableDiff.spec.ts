import { expect, it } from 'vitest';

import type { ITableChange } from '../../api/models';
import { isTable, shownColumns, summaryOf } from './tableDiff';

const change: ITableChange = {
  path: 't.csv',
  state: 'modified',
  rows_before: 4,
  rows_after: 5,
  key: 'id',
  added: 2,
  deleted: 1,
  modified: 0,
  reordered: false,
  columns: [],
  rows: [],
  offset: 0,
  match_count: 3,
  kept: 3,
  common: [],
  statistics: [],
  problem: null
};

it('says how many rows differ, and what they are matched by', () => {
  expect(summaryOf(change)).toBe(
    '4 → 5 rows · 2 rows added · 1 row deleted · matched by “id”'
  );
  expect(summaryOf({ ...change, key: null, added: 0 })).toContain(
    'no column identifies rows'
  );
  expect(summaryOf({ ...change, rows_before: null })).not.toContain('matched');
});

it('shows the columns that changed, and all for whole rows', () => {
  const common = [
    { name: 'id', changed: 0 },
    { name: 'a', changed: 0 },
    { name: 'b', changed: 3 }
  ];
  expect(shownColumns({ ...change, common }, '')).toEqual(['a', 'b']);
  expect(shownColumns({ ...change, common }, 'modified')).toEqual(['b']);
});

it('knows tables by their names', () => {
  expect(['a.CSV', 'b.xlsx', 'c.py', 'csv'].map(isTable)).toEqual([
    true,
    true,
    false,
    false
  ]);
});
