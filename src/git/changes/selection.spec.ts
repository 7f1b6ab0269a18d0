import { expect, it } from 'vitest';

import type { IChange } from '../../api/models';
import {
  chosenBy,
  isSelected,
  NONE_SELECTED,
  selectRow,
  targetsOf,
  withoutGone,
  type ISelectedRows,
  type SelectionMode
} from './selection';

const ORDER = ['a', 'b', 'c', 'd', 'e'];

function after(...steps: [SelectionMode, string, boolean?][]): ISelectedRows {
  return steps.reduce(
    (now, [mode, path, staged = false]) =>
      selectRow(now, { path, staged }, mode, ORDER),
    NONE_SELECTED
  );
}
const paths = (...steps: Parameters<typeof after>) =>
  [...after(...steps).paths].sort().join('');

it('selects one row, adds to it, and takes away again', () => {
  expect(paths(['only', 'b'], ['only', 'c'])).toBe('c');
  expect(paths(['only', 'b'], ['toggle', 'd'])).toBe('bd');
  expect(paths(['only', 'b'], ['toggle', 'b'])).toBe('');
});

it('extends a range in both directions from the same row', () => {
  expect(paths(['only', 'c'], ['range', 'e'])).toBe('cde');
  expect(paths(['only', 'c'], ['range', 'e'], ['range', 'a'])).toBe('abc');
  // Without a start it is one row.
  expect(paths(['range', 'd'])).toBe('d');
});

it('is in one of the two lists', () => {
  const now = after(['only', 'a'], ['toggle', 'b', true]);
  expect(isSelected(now, { path: 'b', staged: true })).toBe(true);
  expect(isSelected(now, { path: 'a', staged: false })).toBe(false);
  expect(isSelected(now, { path: 'b', staged: false })).toBe(false);
});

function change(path: string, state: IChange['state'] = 'modified'): IChange {
  return { path, state, kind: 'code', too_large: false } as IChange;
}

it('acts on the selection only from one of its rows', () => {
  const now = after(['only', 'a'], ['range', 'c']);
  const changes = ORDER.map(path => change(path));
  const all = (path: string, staged = false) =>
    targetsOf(chosenBy(now, { path, staged }, changes)).all;
  expect(all('b')).toEqual(['a', 'b', 'c']);
  expect(all('e')).toEqual(['e']);
  expect(all('b', true)).toEqual(['b']);
});

it('acts on what the action is possible with', () => {
  const changes = [
    change('a'),
    { ...change('b'), kind: 'data' as const },
    change('c', 'untracked'),
    change('raw/1.png', 'untracked'),
    change('raw/2.png', 'untracked'),
    change('src/new.py', 'untracked'),
    change('src/old.py')
  ];
  const order = ['a', 'b', 'c', 'raw', 'src'];
  const now = order.reduce(
    (all, path) => selectRow(all, { path, staged: false }, 'toggle', order),
    NONE_SELECTED
  );
  const targets = targetsOf(
    chosenBy(now, { path: 'a', staged: false }, changes)
  );
  expect(targets.isNew).toEqual(['c', 'raw', 'src/new.py']);
  // A folder with its files is one.
  const both = new Map([
    ['raw', changes.slice(3, 5)],
    ['raw/1.png', [changes[3]]]
  ]);
  expect(targetsOf(both).all).toEqual(['raw']);
  expect(targets.stageable).toEqual([
    'a',
    'c',
    'raw',
    'src/new.py',
    'src/old.py'
  ]);
});

it('forgets rows that are gone', () => {
  const now = after(['only', 'a'], ['range', 'c']);
  expect([...withoutGone(now, new Set(['b', 'z'])).paths]).toEqual(['b']);
  expect(withoutGone(now, new Set(ORDER))).toBe(now);
});
