import { expect, it } from 'vitest';

import { parseCpu, parseMemory } from './quantities';

it('reads cores as people write them', () => {
  expect(['2', '0.5', '500m', ' 1 '].map(parseCpu)).toEqual([2, 0.5, 0.5, 1]);
  expect(['', 'two', '2Gi', '-1'].map(parseCpu)).toEqual(Array(4).fill(null));
});

it('reads bytes with decimal and binary suffixes', () => {
  expect(['1Ki', '4Gi', '512M', '7'].map(parseMemory)).toEqual([
    1024,
    4 * 1024 ** 3,
    512e6,
    7
  ]);
  expect(['4GB', 'x', ''].map(parseMemory)).toEqual([null, null, null]);
});
