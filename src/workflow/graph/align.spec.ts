import { expect, it } from 'vitest';

import { aligned } from './align';

const BOXES = [
  { id: 'a', x: 0, y: 5, width: 10, height: 10 },
  { id: 'b', x: 35, y: 0, width: 10, height: 30 },
  { id: 'c', x: 90, y: 50, width: 10, height: 10 }
];

it('lines boxes up', () => {
  expect([...aligned(BOXES, 'left').values()].map(({ x }) => x)).toEqual([
    0, 0, 0
  ]);
  expect([...aligned(BOXES, 'top').values()].map(({ y }) => y)).toEqual([
    0, 0, 0
  ]);
});

it('spreads them with equal gaps between the outermost two', () => {
  expect(aligned(BOXES, 'horizontal').get('b')).toEqual({ x: 45, y: 0 });
  const { y } = aligned(BOXES, 'vertical').get('a')!;
  // b ends at 30, c begins at 50: a of height 10 in the middle.
  expect(y).toBe(35);
});
