import type { IGraph, IGraphEdge, IGraphNode, IGraphPort } from './graph';
import { layersOf } from './order';

/** Row of the tree: a node, or one of its ports with its connections. */
export type TreeRow = { id: string; position: number; count: number } & (
  | { kind: 'node'; node: IGraphNode; isOpen: boolean }
  | {
      kind: 'port';
      node: IGraphNode;
      side: 'in' | 'out';
      port: IGraphPort;
      edges: IGraphEdge[];
    }
);

/** Rows of the tree, each node after its inputs; with ports of expanded nodes. Cycles come last. */
export function treeRows(graph: IGraph, open: ReadonlySet<string>): TreeRow[] {
  const { layers, rest } = layersOf(graph);
  const nodes = [...layers.flat(), ...rest].map(id => graph.nodes.get(id)!);
  return nodes.flatMap((node, index): TreeRow[] => {
    const isOpen = open.has(node.id);
    const row: TreeRow = {
      kind: 'node',
      id: node.id,
      node,
      isOpen,
      position: index + 1,
      count: nodes.length
    };
    return isOpen ? [row, ...portRows(graph, node)] : [row];
  });
}

function portRows(graph: IGraph, node: IGraphNode): TreeRow[] {
  const count = node.inputs.length + node.outputs.length;
  const rows = (side: 'in' | 'out', first: number): TreeRow[] =>
    (side === 'in' ? node.inputs : node.outputs).map((port, index) => ({
      kind: 'port',
      id: `${node.id}:${side}:${port.name}`,
      node,
      side,
      port,
      edges: graph.edges.filter(edge =>
        side === 'in'
          ? edge.target === node.id && edge.targetPort === port.name
          : edge.source === node.id && edge.sourcePort === port.name
      ),
      position: first + index + 1,
      count
    }));
  return [...rows('in', 0), ...rows('out', node.inputs.length)];
}
