import fc from 'fast-check';
import { expect, it } from 'vitest';

import { ROW_HEIGHT, windowOf } from './window';

it('draws what is in view, and some around it', () => {
  expect(windowOf(5000, 100 * ROW_HEIGHT, 20 * ROW_HEIGHT)).toEqual({
    start: 88,
    end: 132
  });
  expect(windowOf(3, 0, 600)).toEqual({ start: 0, end: 3 });
  expect(windowOf(0, 0, 600)).toEqual({ start: 0, end: 0 });
});

it('always holds every row in view, whatever the position', () => {
  const count = fc.integer({ min: 0, max: 10_000 });
  const pixels = fc.integer({ min: 0, max: 300_000 });
  const height = fc.integer({ min: 0, max: 2000 });
  fc.assert(
    fc.property(count, pixels, height, (rows, top, high) => {
      const { start, end } = windowOf(rows, top, high);
      const first = Math.floor(top / ROW_HEIGHT);
      const last = Math.min(rows, Math.ceil((top + high) / ROW_HEIGHT));
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(rows);
      if (first < rows) {
        expect(start).toBeLessThanOrEqual(first);
        expect(end).toBeGreaterThanOrEqual(last);
      }
    })
  );
});
