import type { IBox, IEdgeEnds, XYPosition } from './geometry';

/** Distance of an edge from the nodes that it passes. */
const MARGIN = 10;
/** Length of the straight part at a port. */
const STRAIGHT_LENGTH = 20;
/** Number and distance of parallel edges in a passage. */
const LANE_COUNT = 4;
const LANE_DISTANCE = 5;
/** Points of a curve that are checked. */
const SAMPLES = 16;

/**
 * Returns corners for edges with nodes in their way, by edge.
 *
 * A backward edge, as from a row of a wrapped chain to the next, gets corners, too.
 */
export function routeEdges(
  ends: readonly IEdgeEnds[],
  boxes: readonly IBox[]
): Map<string, XYPosition[]> {
  const routes = new Map<string, XYPosition[]>();
  ends.forEach((edge, index) => {
    const via = routeOf(edge, boxes, (index % LANE_COUNT) * LANE_DISTANCE);
    if (via.length > 0) {
      routes.set(edge.id, via);
    }
  });
  return routes;
}

function routeOf(
  { from, to }: IEdgeEnds,
  boxes: readonly IBox[],
  lane: number
): XYPosition[] {
  const isForward = to.x - from.x > 2 * STRAIGHT_LENGTH;
  if (isForward && !isCurveBlocked(from, to, boxes)) {
    return [];
  }
  const start = from.x + STRAIGHT_LENGTH + lane;
  const end = to.x - STRAIGHT_LENGTH - lane;
  const left = Math.min(start, end) - MARGIN;
  const right = Math.max(start, end) + MARGIN;
  const near = boxes.filter(({ x, width }) => x < right && x + width > left);
  const heights = [
    from.y,
    to.y,
    ...near.flatMap(({ y, height }) => [
      y - MARGIN - lane,
      y + height + MARGIN + lane
    ])
  ];
  const detour = (y: number): number =>
    Math.abs(y - from.y) + Math.abs(y - to.y);
  heights.sort((one, other) => detour(one) - detour(other));
  const y = heights.find(
    height =>
      isFree(near, start, from.y, start, height) &&
      isFree(near, start, height, end, height) &&
      isFree(near, end, height, end, to.y)
  );
  return y === undefined
    ? []
    : [
        { x: start, y: from.y },
        { x: start, y },
        { x: end, y },
        { x: end, y: to.y }
      ].filter(
        (point, index, all) =>
          index === 0 ||
          point.x !== all[index - 1].x ||
          point.y !== all[index - 1].y
      );
}

/** Tests whether a horizontal or vertical line crosses no box. */
function isFree(
  boxes: readonly IBox[],
  x1: number,
  y1: number,
  x2: number,
  y2: number
): boolean {
  const left = Math.min(x1, x2);
  const right = Math.max(x1, x2);
  const top = Math.min(y1, y2);
  const bottom = Math.max(y1, y2);
  return !boxes.some(
    ({ x, y, width, height }) =>
      x < right + 4 &&
      x + width > left - 4 &&
      y < bottom + 4 &&
      y + height > top - 4
  );
}

/** True if the curve of `edgePath` crosses a box. */
function isCurveBlocked(
  from: XYPosition,
  to: XYPosition,
  boxes: readonly IBox[]
): boolean {
  const top = Math.min(from.y, to.y);
  const bottom = Math.max(from.y, to.y);
  const near = boxes.filter(
    ({ x, y, width, height }) =>
      x < to.x - 6 && x + width > from.x + 6 && y < bottom && y + height > top
  );
  const bend = (to.x - from.x) / 2;
  for (let step = 1; step < SAMPLES && near.length > 0; step += 1) {
    const t = step / SAMPLES;
    const [a, b, c, d] = [
      (1 - t) ** 3,
      3 * t * (1 - t) ** 2,
      3 * t ** 2 * (1 - t),
      t ** 3
    ];
    const px = a * from.x + b * (from.x + bend) + c * (to.x - bend) + d * to.x;
    const py = (a + b) * from.y + (c + d) * to.y;
    if (
      near.some(
        ({ x, y, width, height }) =>
          x < px && px < x + width && y < py && py < y + height
      )
    ) {
      return true;
    }
  }
  return false;
}
