import { nodeHeight, SOURCE_HEIGHT } from './geometry';
import type { IGraph } from './graph';
import { layersOf, targetsOf } from './order';
import { type IColumn, stack } from './wrapping';

/** Number of passes that order each layer by its neighbors. */
const ORDERING_PASSES = 4;

/**
 * Layout of a large graph from left to right: each node after all its inputs, each layer ordered by
 * its connections (the barycenter heuristic of Sugiyama, Tagawa and Toda, 1981), sources before
 * their first readers. Takes linear time, so that thousands of nodes are positioned at once.
 */
export function columnsInLayers(
  graph: IGraph,
  sources: readonly { id: string; readers: readonly { node: string }[] }[]
): IColumn[] {
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
  if (sources.length > 0) {
    layers.unshift([]);
    const layerOf = new Map(
      layers.flatMap((layer, index) => layer.map(id => [id, index]))
    );
    for (const { id, readers } of sources) {
      const targets = readers.map(({ node }) => node);
      after.set(id, targets);
      before.set(id, []);
      targets.forEach(target => before.get(target)?.push(id));
      const first = Math.min(
        ...targets.map(target => layerOf.get(target) ?? 1)
      );
      layers[Number.isFinite(first) ? first - 1 : 0].push(id);
    }
  }
  for (let sweep = 0; sweep < ORDERING_PASSES; sweep += 1) {
    order(layers, before);
    order([...layers].reverse(), after);
  }
  order(layers, before);
  return layers
    .filter(layer => layer.length > 0)
    .map(layer =>
      stack(
        layer.map(id => {
          const node = graph.nodes.get(id);
          return { id, height: node ? nodeHeight(node) : SOURCE_HEIGHT };
        })
      )
    );
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

/** Sorts each layer by the mean position of its nodes' neighbors. */
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
