import * as dagre from '@dagrejs/dagre';

import {
  heightOf,
  type IBox,
  intersect,
  NODE_WIDTH,
  nodeBox,
  nodeHeight,
  type XYPosition
} from './geometry';
import type { IGraph, IGraphNode } from './graph';
import { placeInLayers } from './layers';

/** From so many nodes on, the layout that takes time in proportion to the graph. */
const MANY = 300;
const MARGIN = 20;

/**
 * Places every node: where the file says, else where it stood, else where the layout puts it.
 *
 * Nodes that were placed before keep their place, so that an edit does not move the rest.
 */
export function placeNodes(
  graph: IGraph,
  before: ReadonlyMap<string, XYPosition> = new Map()
): Map<string, XYPosition> {
  const places = new Map<string, XYPosition>();
  const open: IGraphNode[] = [];
  for (const node of graph.nodes.values()) {
    const place = node.at
      ? { x: node.at[0], y: node.at[1] }
      : before.get(node.id);
    if (place) {
      places.set(node.id, place);
    } else {
      open.push(node);
    }
  }
  if (open.length > 0) {
    placeOpen(graph, open, places);
  }
  return places;
}

function placeOpen(
  graph: IGraph,
  open: IGraphNode[],
  places: Map<string, XYPosition>
): void {
  const layout =
    graph.nodes.size < MANY ? arrange(graph) : placeInLayers(graph);
  const shift = shiftOf(layout, places);
  const boxes = [...places].map(([id, place]) =>
    nodeBox(graph.nodes.get(id)!, place)
  );
  for (const node of open) {
    const goal = layout.get(node.id)!;
    const place = { x: goal.x + shift.x, y: goal.y + shift.y };
    const box = freeBox(boxes, nodeBox(node, place));
    places.set(node.id, { x: box.x, y: box.y });
    if (places.size > open.length) {
      boxes.push(box);
    }
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

/** Where the layout must go so that the nodes that have a place come closest to it. */
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

/** The whole graph from left to right. */
function arrange(graph: IGraph): Map<string, XYPosition> {
  const layout = new dagre.graphlib.Graph();
  layout.setGraph({
    rankdir: 'LR',
    nodesep: 30,
    ranksep: 40,
    marginx: MARGIN,
    marginy: MARGIN
  });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes.values()) {
    layout.setNode(node.id, { width: NODE_WIDTH, height: nodeHeight(node) });
  }
  graph.edges.forEach(edge => layout.setEdge(edge.source, edge.target));
  dagre.layout(layout);
  return new Map(
    [...graph.nodes.values()].map(node => {
      const { x, y } = layout.node(node.id);
      const height = nodeHeight(node);
      return [
        node.id,
        { x: Math.round(x - NODE_WIDTH / 2), y: Math.round(y - height / 2) }
      ];
    })
  );
}

/** The nearest place below `wanted` where a new node covers no other. */
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
