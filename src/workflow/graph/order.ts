import type { IGraph } from './graph';

/** Readers of each node's outputs. */
export function targetsOf({ nodes, edges }: IGraph): Map<string, string[]> {
  const targets = new Map([...nodes.keys()].map(id => [id, [] as string[]]));
  edges.forEach(({ source, target }) => targets.get(source)?.push(target));
  return targets;
}

/**
 * Nodes in layers: each after all its inputs, else in the order of the file.
 *
 * `rest` are the nodes of cycles, and those downstream of one.
 */
export function layersOf(graph: IGraph): {
  layers: string[][];
  rest: string[];
} {
  const targets = targetsOf(graph);
  const missing = new Map([...graph.nodes.keys()].map(id => [id, 0]));
  for (const { target } of graph.edges) {
    missing.set(target, (missing.get(target) ?? 0) + 1);
  }
  const layers: string[][] = [];
  let ready = [...missing.keys()].filter(id => missing.get(id) === 0);
  while (ready.length > 0) {
    layers.push(ready);
    const next: string[] = [];
    for (const id of ready) {
      missing.delete(id);
      for (const target of targets.get(id)!) {
        const left = missing.get(target)! - 1;
        missing.set(target, left);
        if (left === 0) {
          next.push(target);
        }
      }
    }
    ready = next;
  }
  return { layers, rest: [...missing.keys()] };
}

/** Nodes on a shortest path along the edges, both ends included; null if there is none. */
export function pathBetween(
  graph: IGraph,
  start: string,
  end: string
): string[] | null {
  const targets = targetsOf(graph);
  const from = new Map<string, string | null>([[start, null]]);
  for (const node of from.keys()) {
    if (node === end) {
      const way: string[] = [];
      for (let at: string | null = end; at !== null; at = from.get(at)!) {
        way.unshift(at);
      }
      return way;
    }
    for (const next of targets.get(node) ?? []) {
      if (!from.has(next)) {
        from.set(next, node);
      }
    }
  }
  return null;
}

/** Direct and indirect dependents of a node. */
export function downstream(graph: IGraph, id: string): string[] {
  const targets = targetsOf(graph);
  const reachable = new Set([id]);
  for (const node of reachable) {
    targets.get(node)?.forEach(next => reachable.add(next));
  }
  reachable.delete(id);
  return [...reachable];
}

/** Direct and indirect dependencies of a node, nearest first. */
export function upstream({ nodes, edges }: IGraph, id: string): string[] {
  const turned = edges.map(edge => ({
    ...edge,
    source: edge.target,
    target: edge.source
  }));
  return downstream({ nodes, edges: turned }, id);
}
