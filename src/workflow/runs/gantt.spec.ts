import { expect, it } from 'vitest';

import { fake } from '../../__tests__/server';
import type { INodeState } from '../store/run';
import { bars, ticks, tickText } from './gantt';

function state(started: string | null, ended: string | null): INodeState {
  return fake({
    status: ended ? 'COMPLETED' : 'RUNNING',
    started: started && `2026-11-25T10:00:${started}Z`,
    ended: ended && `2026-11-25T10:00:${ended}Z`,
    duration: null
  });
}

it('lines the nodes up on one axis, in the order in which they began', () => {
  const states = new Map([
    ['b', state('04', '10')],
    ['cached', state(null, '00')],
    ['a', state('02', '04.5')]
  ]);
  expect(bars(states, null)).toEqual({
    bars: [
      { id: 'a', status: 'COMPLETED', start: 0, length: 2.5 },
      { id: 'b', status: 'COMPLETED', start: 2, length: 6 }
    ],
    length: 8
  });
});

it('lets the bars of running nodes grow', () => {
  const now = Date.parse('2026-11-25T10:00:07Z');
  const { length } = bars(new Map([['a', state('02', null)]]), now);
  expect(length).toBe(5);
});

it('has nothing to draw where nothing ran', () => {
  expect(bars(new Map(), null)).toEqual({ bars: [], length: 0 });
  expect(ticks(0)).toEqual([]);
});

it.each([
  [10, [0, 2, 4, 6, 8, 10]],
  [0.7, [0, 0.2, 0.4, 0.6]],
  [95, [0, 20, 40, 60, 80]]
])('marks an axis of %d seconds at round numbers', (length, expected) => {
  expect(ticks(length).map(one => Number(one.toFixed(6)))).toEqual(expected);
});

it('writes marks as precisely as they differ', () => {
  expect(tickText(0.05, 0.05)).toBe('0.05 s');
  expect(tickText(0.4, 0.2)).toBe('0.4 s');
  expect(tickText(4, 2)).toBe('4 s');
  expect(tickText(0, 20)).toBe('0 s');
});
