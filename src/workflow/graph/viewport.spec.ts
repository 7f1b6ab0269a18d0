import { describe, expect, it } from 'vitest';

import { isSameViewport, keepInView } from './viewport';

const SIZE = { width: 800, height: 600 };
const NODES = [
  { x: 0, y: 0, width: 200, height: 100 },
  { x: 500, y: 450, width: 200, height: 100 },
  // Out of view
  { x: 3000, y: 3000, width: 200, height: 100 }
];

describe('what is in view when a canvas changes its size', () => {
  it('moves up where that is enough', () => {
    const view = { size: SIZE, viewport: { x: 10, y: 40, zoom: 1 } };
    expect(keepInView(view, NODES, { width: 800, height: 560 })).toEqual({
      x: 10,
      y: 10,
      zoom: 1
    });
  });

  it('becomes smaller where there is less room than it needs', () => {
    const view = { size: SIZE, viewport: { x: 10, y: 40, zoom: 1 } };
    const after = keepInView(view, NODES, { width: 800, height: 275 });
    expect(after.zoom).toBe(0.5);
    expect(after.y).toBe(0);
    expect(after.x).toBeCloseTo(10);
  });

  it('stays as it is in more room, and where nothing was in view', () => {
    const viewport = { x: 10, y: 40, zoom: 1 };
    expect(
      keepInView({ size: SIZE, viewport }, NODES, { width: 900, height: 900 })
    ).toEqual(viewport);
    const away = { x: -9000, y: 0, zoom: 1 };
    expect(
      keepInView({ size: SIZE, viewport: away }, NODES, {
        width: 100,
        height: 100
      })
    ).toEqual(away);
  });

  it('keeps the half of a node that was in view', () => {
    const view = { size: SIZE, viewport: { x: 0, y: 100, zoom: 1 } };
    // The second node ended below the canvas, at 650 of 600.
    const { y } = keepInView(view, NODES, { width: 800, height: 550 });
    expect(y).toBe(50);
  });
});

it('ignores differences that are not seen', () => {
  const viewport = { x: 1, y: 2, zoom: 1 };
  expect(isSameViewport(viewport, { x: 1.4, y: 2, zoom: 1.001 })).toBe(true);
  expect(isSameViewport(viewport, { x: 9, y: 2, zoom: 1 })).toBe(false);
});
