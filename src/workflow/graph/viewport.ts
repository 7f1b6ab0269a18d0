/** Viewports, as plain numbers. */

import type { IBox, XYPosition } from './geometry';
import type { IShape } from './wrapping';

/** A canvas of a size, and which part of the graph it shows. */
export interface IView {
  size: IShape;
  viewport: XYPosition & { zoom: number };
}

/** Differences of position and zoom that are invisible. */
const TOLERANCE = { move: 1.5, zoom: 0.005 };

export function isSameViewport(
  one: IView['viewport'],
  other: IView['viewport']
): boolean {
  return (
    Math.abs(one.x - other.x) < TOLERANCE.move &&
    Math.abs(one.y - other.y) < TOLERANCE.move &&
    Math.abs(one.zoom - other.zoom) < TOLERANCE.zoom
  );
}

/** Returns the viewport that shows the same part of the graph on a resized canvas. */
export function keepInView(
  view: IView,
  nodes: readonly IBox[],
  next: IShape
): IView['viewport'] {
  return movedIntoView(view, nodes, next) ?? view.viewport;
}

/** Moves the viewport likewise; null if the view shows no node. */
export function movedIntoView(
  { size, viewport }: IView,
  nodes: readonly IBox[],
  next: IShape
): IView['viewport'] | null {
  const { x, y, zoom } = viewport;
  const left = -x / zoom;
  const top = -y / zoom;
  const right = left + size.width / zoom;
  const bottom = top + size.height / zoom;
  const visible = nodes.filter(
    box =>
      box.x + box.width > left &&
      box.x < right &&
      box.y + box.height > top &&
      box.y < bottom
  );
  if (visible.length === 0) {
    return null;
  }
  // Of a node that is half in view, that half.
  const area = {
    left: Math.max(left, Math.min(...visible.map(box => box.x))),
    top: Math.max(top, Math.min(...visible.map(box => box.y))),
    right: Math.min(right, Math.max(...visible.map(box => box.x + box.width))),
    bottom: Math.min(
      bottom,
      Math.max(...visible.map(box => box.y + box.height))
    )
  };
  const scale = Math.min(
    zoom,
    next.width / (area.right - area.left),
    next.height / (area.bottom - area.top)
  );
  return {
    x: within(
      x + (area.left * zoom - area.left * scale),
      area.left,
      area.right,
      scale,
      next.width
    ),
    y: within(
      y + (area.top * zoom - area.top * scale),
      area.top,
      area.bottom,
      scale,
      next.height
    ),
    zoom: scale
  };
}

/** Moves an offset as little as possible, so that a range is within a length. */
function within(
  offset: number,
  from: number,
  to: number,
  zoom: number,
  length: number
): number {
  const least = -from * zoom;
  const most = length - to * zoom;
  return offset > most ? Math.max(least, most) : Math.max(offset, least);
}
