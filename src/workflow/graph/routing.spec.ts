import { describe, expect, it } from 'vitest';

import { edgePath, type IBox } from './geometry';
import { routeEdges } from './routing';

const box = (x: number, y: number): IBox => ({ x, y, width: 200, height: 100 });

describe('routeEdges', () => {
  it('leaves an edge with nothing in its way a curve', () => {
    const ends = { id: 'a', from: { x: 200, y: 50 }, to: { x: 300, y: 60 } };
    const routes = routeEdges([ends], [box(0, 0), box(300, 0)]);
    expect(routes.size).toBe(0);
    expect(edgePath(ends)).toContain('C');
  });

  it('leads an edge around a node between its ends', () => {
    const between = box(300, 0);
    const ends = { id: 'a', from: { x: 200, y: 50 }, to: { x: 600, y: 50 } };
    const boxes = [box(0, 0), between, box(600, 0)];
    const via = routeEdges([ends], boxes).get('a')!;
    const inner = via.slice(1, -1);
    expect(inner).toHaveLength(2);
    expect(
      inner.every(({ y }) => y < between.y || y > between.y + between.height)
    ).toBe(true);
    expect(edgePath(ends, via)).toMatch(/^M200,50 .*L600,50$/);
  });

  it('leads an edge back to the next row between the rows', () => {
    const ends = { id: 'a', from: { x: 500, y: 50 }, to: { x: 0, y: 250 } };
    const boxes = [box(0, 0), box(300, 0), box(0, 200), box(300, 200)];
    const ys = routeEdges([ends], boxes)
      .get('a')!
      .slice(1, -1)
      .map(({ y }) => y);
    expect(ys.every(y => y > 100 && y < 200)).toBe(true);
  });
});
