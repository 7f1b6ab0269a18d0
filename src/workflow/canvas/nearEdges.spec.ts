import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { CanvasEdge } from './edge';
import { areaOf, edgesIn } from './nearEdges';

const edge: CanvasEdge = { id: 'edge', source: 'from', target: 'to' };
const place = fc.record({
  x: fc.integer({ min: -20_000, max: 20_000 }),
  y: fc.integer({ min: -20_000, max: 20_000 })
});

it('has every edge that a view shows', () => {
  const zoom = fc.double({ min: 0.05, max: 2, noNaN: true });
  fc.assert(
    fc.property(place, place, place, zoom, (from, to, corner, scale) => {
      const view = { width: 1200, height: 800 };
      const area = areaOf({
        ...view,
        transform: [-corner.x * scale, -corner.y * scale, scale]
      });
      const positions = new Map([
        ['from', from],
        ['to', to]
      ]);
      const isShown =
        Math.max(from.x, to.x) + 216 > corner.x &&
        Math.min(from.x, to.x) < corner.x + view.width / scale &&
        Math.max(from.y, to.y) + 200 > corner.y &&
        Math.min(from.y, to.y) < corner.y + view.height / scale;
      const near = edgesIn(area, [edge], positions, new Set());
      expect(near.length === 1 || !isShown).toBe(true);
    })
  );
});

it('leaves out what is far, except for the edges of the selected nodes', () => {
  const area = areaOf({ transform: [0, 0, 1], width: 1200, height: 800 });
  const positions = new Map([
    ['from', { x: 9000, y: 0 }],
    ['to', { x: 9500, y: 0 }]
  ]);
  expect(edgesIn(area, [edge], positions, new Set())).toEqual([]);
  expect(edgesIn(area, [edge], positions, new Set(['to']))).toEqual([edge]);
});

it('stays the same while a view moves by less than itself', () => {
  const at = (x: number) =>
    areaOf({ transform: [-x, 0, 0.9], width: 1200, height: 800 });
  expect(at(100)).toBe(at(900));
  expect(at(100)).not.toBe(at(3000));
});
