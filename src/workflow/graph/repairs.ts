import type { IGraph, IGraphEdge } from './graph';

const SPLIT = 'split';

/**
 * Returns the edge to insert a node into: that of the input or, with `isBeforeSplit`, that of the
 * upstream split, so that test rows pass through the node, too.
 */
export function repairEdge(
  graph: IGraph,
  id: string,
  port: string,
  isBeforeSplit: boolean
): IGraphEdge | null {
  const own = graph.edges.find(
    ({ target, targetPort }) => target === id && targetPort === port
  );
  const visited = new Set<string>();
  let edge = own;
  while (isBeforeSplit && edge && !visited.has(edge.source)) {
    const { source } = edge;
    visited.add(source);
    const edges = tableEdges(graph, source);
    if (graph.nodes.get(source)?.componentName === SPLIT) {
      return edges[0] ?? own;
    }
    // Of several tables none is common to train and test rows.
    edge = edges.length === 1 ? edges[0] : undefined;
  }
  return own ?? null;
}

/** Returns the connections into the inputs of a node that take tables, in the order of its ports. */
export function tableEdges(graph: IGraph, id: string): IGraphEdge[] {
  const ports = graph.nodes.get(id)?.inputs ?? [];
  return ports
    .filter(({ type }) => type === 'Table')
    .flatMap(({ name }) =>
      graph.edges.filter(
        ({ target, targetPort }) => target === id && targetPort === name
      )
    );
}
