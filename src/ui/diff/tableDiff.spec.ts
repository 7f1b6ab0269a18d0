import { expect, it } from 'vitest';

import type { ITableChange } from '../../api/models';
import { columnsOf, isTable, summaryOf } from './tableDiff';

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

it('has the columns of all rows, each once', () => {
  const row = (...names: string[]) => ({
    state: 'modified' as const,
    key: '1',
    values: names.map(name => ({ name, from: 'a', to: 'b' }))
  });
  expect(columnsOf([row('b'), row('a', 'b')])).toEqual(['b', 'a']);
});

it('knows tables by their names', () => {
  expect(['a.CSV', 'b.xlsx', 'c.py', 'csv'].map(isTable)).toEqual([
    true,
    true,
    false,
    false
  ]);
});
