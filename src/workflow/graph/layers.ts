import { NODE_WIDTH, nodeHeight, type XYPosition } from './geometry';
import type { IGraph } from './graph';
import { layersOf, targetsOf } from './order';

/** Between layers and between the nodes of one, in pixels. */
const LAYER_GAP = 60;
const NODE_GAP = 30;
/** How often each layer is put into the order of its neighbours. */
const SWEEPS = 4;

/**
 * Places a large graph from left to right: each node behind all that it reads, each layer in the
 * order of what its nodes are connected to (the barycentre heuristic of Sugiyama, Tagawa and Toda,
 * 1981). Takes time in proportion to the graph, so that thousands of nodes are placed at once.
 */
export function placeInLayers(graph: IGraph): Map<string, XYPosition> {
  const after = targetsOf(graph);
  const before = targetsOf({
    nodes: graph.nodes,
    edges: graph.edges.map(edge => ({
      ...edge,
      source: edge.target,
      target: edge.source
    }))
  });
  const { layers, rest } = layersOf(graph);
  if (rest.length > 0) {
    layers.push(rest);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    order(layers, before);
    order([...layers].reverse(), after);
  }
  order(layers, before);
  const places = new Map<string, XYPosition>();
  layers.forEach((layer, column) => {
    const heights = layer.map(id => nodeHeight(graph.nodes.get(id)!));
    const total = heights.reduce((sum, height) => sum + height + NODE_GAP, 0);
    let y = Math.round(-total / 2);
    layer.forEach((id, row) => {
      places.set(id, { x: column * (NODE_WIDTH + LAYER_GAP), y });
      y += heights[row] + NODE_GAP;
    });
  });
  return places;
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

/** Sorts each layer by the mean place of its nodes' neighbours, where they have some. */
function order(layers: string[][], neighbours: Neighbours): void {
  const share = new Map<string, number>();
  for (const layer of layers) {
    const means = new Map(
      layer.map((id, row) => {
        const shares = neighbours.get(id)!.flatMap(one => share.get(one) ?? []);
        const sum = shares.reduce((total, one) => total + one, 0);
        const own = (row + 0.5) / layer.length;
        return [id, shares.length > 0 ? sum / shares.length : own];
      })
    );
    layer.sort((one, other) => means.get(one)! - means.get(other)!);
    layer.forEach((id, row) => share.set(id, (row + 0.5) / layer.length));
  }
}
