import * as dagre from '@dagrejs/dagre';

import type { IGraph, IGraphNode } from './graph';
import { placeInLayers } from './layers';
import {
  HEAD_HEIGHT,
  NODE_WIDTH,
  nodeHeight,
  PORT_HEIGHT,
  type IPlace
} from './sizes';

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
  before: ReadonlyMap<string, IPlace> = new Map()
): Map<string, IPlace> {
  const places = new Map<string, IPlace>();
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
  places: Map<string, IPlace>
): void {
  const layout =
    graph.nodes.size < MANY ? arrange(graph) : placeInLayers(graph);
  const shift = shiftOf(layout, places);
  const taken = [...places].map(([id, place]) =>
    box(graph.nodes.get(id)!, place)
  );
  for (const node of open) {
    const wanted = layout.get(node.id)!;
    const place = { x: wanted.x + shift.x, y: wanted.y + shift.y };
    // Below whatever stands there already.
    for (
      let hit = firstHit(taken, box(node, place));
      hit;
      hit = firstHit(taken, box(node, place))
    ) {
      place.y = hit.bottom + MARGIN;
    }
    places.set(node.id, place);
    if (places.size > open.length) {
      taken.push(box(node, place));
    }
  }
}

/** Where the layout must go so that the nodes that have a place come closest to it. */
function shiftOf(
  layout: ReadonlyMap<string, IPlace>,
  places: ReadonlyMap<string, IPlace>
): IPlace {
  let x = 0;
  let y = 0;
  for (const [id, place] of places) {
    x += place.x - layout.get(id)!.x;
    y += place.y - layout.get(id)!.y;
  }
  const count = Math.max(1, places.size);
  return { x: Math.round(x / count), y: Math.round(y / count) };
}

interface IBox {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function box(node: IGraphNode, place: IPlace): IBox {
  return {
    left: place.x,
    right: place.x + NODE_WIDTH,
    top: place.y,
    bottom: place.y + nodeHeight(node)
  };
}

function firstHit(taken: IBox[], own: IBox): IBox | undefined {
  return taken.find(
    one =>
      one.left < own.right &&
      own.left < one.right &&
      one.top < own.bottom &&
      own.top < one.bottom
  );
}

/** The whole graph from left to right. */
function arrange(graph: IGraph): Map<string, IPlace> {
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
  places: ReadonlyMap<string, IPlace>,
  wanted: IPlace
): IPlace {
  const place = { ...wanted };
  const taken = [...graph.nodes.values()].map(node =>
    box(node, places.get(node.id)!)
  );
  const own = (): IBox => ({
    left: place.x,
    right: place.x + NODE_WIDTH,
    top: place.y,
    bottom: place.y + HEAD_HEIGHT + 2 * PORT_HEIGHT
  });
  for (let hit = firstHit(taken, own()); hit; hit = firstHit(taken, own())) {
    place.y = hit.bottom + MARGIN;
  }
  return place;
}
