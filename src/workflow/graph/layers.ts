import type { IGraph } from './graph';
import { NODE_WIDTH, nodeHeight, type XYPosition } from './geometry';

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
  const { before, after } = neighbours(graph);
  const layers = layersOf(graph, before, after);
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

function neighbours(graph: IGraph): { before: Neighbours; after: Neighbours } {
  const lists = (): Map<string, string[]> =>
    new Map([...graph.nodes.keys()].map(id => [id, []]));
  const [before, after] = [lists(), lists()];
  for (const { source, target } of graph.edges) {
    before.get(target)?.push(source);
    after.get(source)?.push(target);
  }
  return { before, after };
}

/** Each node one layer behind the last that it reads; what stands in a cycle follows the rest. */
function layersOf(
  graph: IGraph,
  before: Neighbours,
  after: Neighbours
): string[][] {
  const missing = new Map([...before].map(([id, list]) => [id, list.length]));
  const layers: string[][] = [];
  let ready = [...graph.nodes.keys()].filter(id => missing.get(id) === 0);
  while (ready.length > 0) {
    layers.push(ready);
    const next: string[] = [];
    for (const id of ready) {
      missing.delete(id);
      for (const target of after.get(id)!) {
        const left = (missing.get(target) ?? 0) - 1;
        missing.set(target, left);
        if (left === 0) {
          next.push(target);
        }
      }
    }
    ready = next;
  }
  return missing.size > 0 ? [...layers, [...missing.keys()]] : layers;
}

/** Sorts each layer by the mean place of its nodes' neighbours, where they have some. */
function order(layers: string[][], neighbours: Neighbours): void {
  const share = new Map<string, number>();
  for (const layer of layers) {
    const means = new Map(
      layer.map((id, row) => {
        const known = neighbours.get(id)!.flatMap(one => share.get(one) ?? []);
        const sum = known.reduce((total, one) => total + one, 0);
        const own = (row + 0.5) / layer.length;
        return [id, known.length > 0 ? sum / known.length : own];
      })
    );
    layer.sort((one, other) => means.get(one)! - means.get(other)!);
    layer.forEach((id, row) => share.set(id, (row + 0.5) / layer.length));
  }
}
