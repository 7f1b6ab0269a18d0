import { drawnEdges, type IGraph, type IGraphNode } from './graph';

/** Position on the canvas, in canvas pixels. */
export interface XYPosition {
  x: number;
  y: number;
}

/** A rectangle by its upper left corner. */
export interface IBox extends XYPosition {
  width: number;
  height: number;
}

/** Ends of an edge, each at the outer rim of a handle. */
export interface IEdgeEnds {
  id: string;
  from: XYPosition;
  to: XYPosition;
}

// As the style sheet draws a node; the borders are in the width and in the heights.
export const NODE_WIDTH = 216;
export const SOURCE_HEIGHT = 50;
/** The title, and the line with the kind and the settings. */
const HEAD_HEIGHT = 56;
const PORT_HEIGHT = 20;
/** The line with the result, and the borders. */
const RESULT_HEIGHT = 28;
const FIGURE_HEIGHT = 92;
/** Height of the line with the preparation of columns. */
const PREPARATION_HEIGHT = 18;
/** Offset of the first port: the upper border and the head. */
const PORTS_TOP = HEAD_HEIGHT + 1;
export const HANDLE_SIZE = 11;
/** Distance of a handle's center from the node's edge. */
const HANDLE_INSET = 1;
/** Around the nodes of a frame, and above them for its title. */
const FRAME_MARGIN = 16;
const FRAME_TITLE = 26;

/** Returns the height of a node by its number of port rows. */
export function heightOf(rows: number, hasFigure = false): number {
  const result = hasFigure ? FIGURE_HEIGHT : RESULT_HEIGHT;
  return HEAD_HEIGHT + PORT_HEIGHT * Math.max(1, rows) + result;
}

/** True if a node shows a figure, which needs more room than a line. */
export function hasFigure({ outputs }: IGraphNode): boolean {
  return outputs.some(({ type }) => type === 'Figure');
}

export function nodeHeight(node: IGraphNode): number {
  const { inputs, outputs, prepares } = node;
  const rows = Math.max(inputs.length, outputs.length);
  return heightOf(rows, hasFigure(node)) + (prepares ? PREPARATION_HEIGHT : 0);
}

export function nodeBox(node: IGraphNode, { x, y }: XYPosition): IBox {
  return { x, y, width: NODE_WIDTH, height: nodeHeight(node) };
}

/** The middle of a port's handle, from the upper left corner of its node. */
export function portPosition(side: 'in' | 'out', row: number): XYPosition {
  return {
    x: side === 'in' ? HANDLE_INSET : NODE_WIDTH - HANDLE_INSET,
    y: PORTS_TOP + PORT_HEIGHT * (row + 0.5)
  };
}

/** The ends of all edges between nodes that have a position. */
export function edgeEnds(
  graph: IGraph,
  positionOf: (node: string) => XYPosition | undefined
): IEdgeEnds[] {
  const rows = new Map<string, number>();
  for (const { id, inputs, outputs } of graph.nodes.values()) {
    inputs.forEach(({ name }, row) => rows.set(`${id}:in:${name}`, row));
    outputs.forEach(({ name }, row) => rows.set(`${id}:out:${name}`, row));
  }
  const end = (node: string, side: 'in' | 'out', port: string): XYPosition => {
    const { x, y } = positionOf(node) ?? { x: 0, y: 0 };
    const handle = portPosition(side, rows.get(`${node}:${side}:${port}`) ?? 0);
    const rim = (side === 'in' ? -HANDLE_SIZE : HANDLE_SIZE) / 2;
    return { x: x + handle.x + rim, y: y + handle.y };
  };
  return drawnEdges(graph).map(
    ({ id, source, sourcePort, target, targetPort }) => ({
      id,
      from: end(source, 'out', sourcePort),
      to: end(target, 'in', targetPort)
    })
  );
}

/** SVG path of an edge; `via` are the corners of a routed edge. */
export function edgePath(
  { from, to }: Pick<IEdgeEnds, 'from' | 'to'>,
  via: readonly XYPosition[] = []
): string {
  if (via.length === 0) {
    const distance = to.x - from.x;
    const bend = distance >= 0 ? distance / 2 : 6.25 * Math.sqrt(-distance);
    return `M${from.x},${from.y} C${from.x + bend},${from.y} ${to.x - bend},${to.y} ${to.x},${to.y}`;
  }
  const points = [...via, to];
  let path = `M${from.x},${from.y}`;
  let last = from;
  points.forEach((corner, index) => {
    const next = points[index + 1];
    if (next) {
      const before = towards(corner, last);
      const after = towards(corner, next);
      path += ` L${before.x},${before.y} Q${corner.x},${corner.y} ${after.x},${after.y}`;
      last = corner;
    }
  });
  return `${path} L${to.x},${to.y}`;
}

/** Radius of a routed edge's corners. */
const CORNER = 10;

/** Point near a corner on the line to a second point. */
function towards(corner: XYPosition, { x, y }: XYPosition): XYPosition {
  const length = Math.hypot(x - corner.x, y - corner.y);
  const share = length === 0 ? 0 : Math.min(CORNER, length / 2) / length;
  const along = (from: number, to: number): number =>
    Math.round((from + (to - from) * share) * 10) / 10;
  return { x: along(corner.x, x), y: along(corner.y, y) };
}

/** Bounding box of boxes; null if there are none. */
export function boundsOf(boxes: readonly IBox[]): IBox | null {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y, width, height } of boxes) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + width);
    bottom = Math.max(bottom, y + height);
  }
  return boxes.length > 0
    ? { x: left, y: top, width: right - left, height: bottom - top }
    : null;
}

/** Frame around boxes; null if there are none. */
export function frameBox(boxes: readonly IBox[]): IBox | null {
  const bounds = boundsOf(boxes);
  return (
    bounds && {
      x: bounds.x - FRAME_MARGIN,
      y: bounds.y - FRAME_MARGIN - FRAME_TITLE,
      width: bounds.width + 2 * FRAME_MARGIN,
      height: bounds.height + 2 * FRAME_MARGIN + FRAME_TITLE
    }
  );
}

/** Tests whether two boxes intersect. */
export function intersect(one: IBox, other: IBox): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}
