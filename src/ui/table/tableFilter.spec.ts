import { expect, it } from 'vitest';

import { parseFilter } from './tableFilter';

it.each([
  ['> 13', 'greater', '13'],
  ['>=13', 'greater_equal', '13'],
  ['≤ 2', 'less_equal', '2'],
  ['= red', 'equal', 'red'],
  ['!= red', 'not_equal', 'red'],
  ['re', 'contains', 're'],
  ['Empty', 'empty', '']
])('reads %s', (text, operator, value) => {
  expect(parseFilter('a', text)).toEqual({ column: 'a', operator, value });
});

it('waits for the value of a comparison', () => {
  expect(parseFilter('a', '> ')).toBeNull();
  expect(parseFilter('a', ' ')).toBeNull();
});
