import { expect, it } from 'vitest';

import { matchingVariables } from './variablesView';

const items = [
  { name: 'b', type: 'DataFrame', shape: [10, 2], memory: 100, preview: '' },
  { name: 'a', type: 'int', shape: null, memory: 28, preview: '1' },
  { name: 'c', type: 'list', shape: [30], memory: null, preview: '[]' }
].map(one => ({ ...one, view: null }));

const names = (...options: [string, Parameters<typeof matchingVariables>[2]]) =>
  matchingVariables(items, ...options).map(one => one.name);

it('keeps the order of the kernel, and filters by name and type', () => {
  expect(names('', null)).toEqual(['b', 'a', 'c']);
  expect(names(' frame', null)).toEqual(['b']);
  expect(names('C', null)).toEqual(['c']);
});

it('sorts by name, by the number of elements and by memory', () => {
  expect(names('', { column: 'name', isDescending: false })).toEqual([
    'a',
    'b',
    'c'
  ]);
  expect(names('', { column: 'shape', isDescending: true })).toEqual([
    'c',
    'b',
    'a'
  ]);
  expect(names('', { column: 'memory', isDescending: true })).toEqual([
    'b',
    'a',
    'c'
  ]);
});
