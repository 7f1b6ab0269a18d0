import * as dagre from '@dagrejs/dagre';

import {
  heightOf,
  type IBox,
  intersect,
  NODE_WIDTH,
  nodeBox,
  nodeHeight,
  SOURCE_HEIGHT,
  type XYPosition
} from './geometry';
import type { IGraph, IGraphNode } from './graph';
import { columnsInLayers } from './layers';
import { type IColumn, type IShape, wrapColumns } from './wrapping';

/** Number of nodes from which the linear-time layout is used. */
const LARGE_GRAPH = 300;
const MARGIN = 20;

/** Data node with its position. */
export interface IPlacedSource {
  id: string;
  at: [number, number] | null;
  readers: readonly { node: string }[];
}

/**
 * Positions every node and source: from the file, else from the last layout, else from a new
 * layout, which wraps a long chain to the canvas's shape.
 *
 * Earlier positions stay, so that an edit does not move the rest.
 */
export function placeNodes(
  graph: IGraph,
  before: ReadonlyMap<string, XYPosition> = new Map(),
  sources: readonly IPlacedSource[] = [],
  shape: IShape | null = null,
  many = LARGE_GRAPH
): Map<string, XYPosition> {
  const places = new Map<string, XYPosition>();
  const open: (IGraphNode | IPlacedSource)[] = [];
  for (const item of [...graph.nodes.values(), ...sources]) {
    const place = item.at
      ? { x: item.at[0], y: item.at[1] }
      : before.get(item.id);
    if (place) {
      places.set(item.id, place);
    } else {
      open.push(item);
    }
  }
  if (open.length > 0) {
    placeOpen(graph, sources, open, places, shape, many);
  }
  return places;
}

function boxOf(item: IGraphNode | IPlacedSource, { x, y }: XYPosition): IBox {
  return 'stage' in item
    ? nodeBox(item, { x, y })
    : { x, y, width: NODE_WIDTH, height: SOURCE_HEIGHT };
}

function placeOpen(
  graph: IGraph,
  sources: readonly IPlacedSource[],
  open: (IGraphNode | IPlacedSource)[],
  places: Map<string, XYPosition>,
  shape: IShape | null,
  many: number
): void {
  const items = new Map<string, IGraphNode | IPlacedSource>([
    ...graph.nodes,
    ...sources.map((source): [string, IPlacedSource] => [source.id, source])
  ]);
  const columns =
    items.size < many
      ? columnsByDagre(graph, sources)
      : columnsInLayers(graph, sources);
  const layout = wrapColumns(columns, shape, [
    ...graph.edges,
    ...sources.flatMap(({ id, readers }) =>
      readers.flatMap(({ node }) => {
        const edge = { source: id, target: node };
        // Counts twice, so that data stays beside its readers.
        return [edge, edge];
      })
    )
  ]);
  const shift = shiftOf(layout, places);
  const boxes = [...places].map(([id, place]) => boxOf(items.get(id)!, place));
  const isNew = places.size === 0;
  for (const item of open) {
    const goal = layout.get(item.id)!;
    const place = { x: goal.x + shift.x, y: goal.y + shift.y };
    const box = isNew ? boxOf(item, place) : freeBox(boxes, boxOf(item, place));
    places.set(item.id, { x: box.x, y: box.y });
    boxes.push(box);
  }
}

/** A box, moved down below all that it would cover. */
function freeBox(boxes: readonly IBox[], box: IBox): IBox {
  let free = box;
  for (;;) {
    const hit = boxes.find(one => intersect(one, free));
    if (!hit) {
      return free;
    }
    free = { ...free, y: hit.y + hit.height + MARGIN };
  }
}

/** Offset of the layout that brings its nodes closest to their earlier positions. */
function shiftOf(
  layout: ReadonlyMap<string, XYPosition>,
  places: ReadonlyMap<string, XYPosition>
): XYPosition {
  let x = 0;
  let y = 0;
  for (const [id, place] of places) {
    x += place.x - layout.get(id)!.x;
    y += place.y - layout.get(id)!.y;
  }
  const count = Math.max(1, places.size);
  return { x: Math.round(x / count), y: Math.round(y / count) };
}

/** The ranks of the graph from left to right, with edges that cross as seldom as possible. */
function columnsByDagre(
  graph: IGraph,
  sources: readonly IPlacedSource[]
): IColumn[] {
  const layout = new dagre.graphlib.Graph();
  layout.setGraph({ rankdir: 'LR', nodesep: 40, ranksep: 40 });
  layout.setDefaultEdgeLabel(() => ({}));
  const heights = new Map<string, number>();
  const add = (id: string, height: number): void => {
    heights.set(id, height);
    layout.setNode(id, { width: NODE_WIDTH, height });
  };
  graph.nodes.forEach(node => add(node.id, nodeHeight(node)));
  sources.forEach(({ id }) => add(id, SOURCE_HEIGHT));
  sources.forEach(({ id, readers }) =>
    readers.forEach(({ node }) => layout.setEdge(id, node))
  );
  graph.edges.forEach(edge => layout.setEdge(edge.source, edge.target));
  dagre.layout(layout);
  const byRank = new Map<number, IColumn>();
  for (const [id, height] of heights) {
    const { x, y } = layout.node(id);
    const column = byRank.get(x) ?? [];
    column.push({ id, y: Math.round(y - height / 2), height });
    byRank.set(x, column);
  }
  return [...byRank]
    .sort(([one], [other]) => one - other)
    .map(([, column]) => column.sort((one, other) => one.y - other.y));
}

/** Nearest free position below `wanted` for a new node. */
export function freePlace(
  graph: IGraph,
  places: ReadonlyMap<string, XYPosition>,
  goal: XYPosition
): XYPosition {
  const boxes = [...graph.nodes.values()].map(node =>
    nodeBox(node, places.get(node.id)!)
  );
  const { x, y } = freeBox(boxes, {
    ...goal,
    width: NODE_WIDTH,
    height: heightOf(2)
  });
  return { x, y };
}
