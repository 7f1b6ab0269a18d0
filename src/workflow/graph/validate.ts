import { fits } from './connections';
import type { IGraph, IGraphNode } from './graph';
import { layersOf, pathBetween } from './order';

/** A fault of the graph that can be found without the server. */
export type Problem = { node: string; line: number } & (
  | { kind: 'component'; name: string }
  | { kind: 'input'; port: string }
  | { kind: 'type'; port: string; from: string; to: string }
  | { kind: 'output'; path: string; other: string }
  | { kind: 'command' }
  | { kind: 'cycle'; nodes: string[] }
);

/** All faults. A component can only be unknown when the library has been read. */
export function validate(graph: IGraph, hasLibrary: boolean): Problem[] {
  return [
    ...[...graph.nodes.values()].flatMap(node =>
      nodeProblems(node, hasLibrary)
    ),
    ...typeProblems(graph),
    ...doubleOutputs(graph),
    ...cycles(graph)
  ];
}

function nodeProblems(node: IGraphNode, hasLibrary: boolean): Problem[] {
  const at = { node: node.id, line: node.stage.line };
  const problems: Problem[] = [];
  if (node.stage.commands.length === 0) {
    problems.push({ ...at, kind: 'command' });
  }
  if (hasLibrary && node.componentName && !node.component) {
    problems.push({ ...at, kind: 'component', name: node.componentName });
  }
  for (const port of node.component ? node.inputs : []) {
    if (port.required && port.paths.length === 0) {
      problems.push({ ...at, kind: 'input', port: port.name });
    }
  }
  return problems;
}

function typeProblems(graph: IGraph): Problem[] {
  return graph.edges.flatMap(edge => {
    const target = graph.nodes.get(edge.target)!;
    const output = graph.nodes
      .get(edge.source)!
      .outputs.find(port => port.name === edge.sourcePort)!;
    const input = target.inputs.find(port => port.name === edge.targetPort)!;
    const isWhole = output.paths.includes(edge.path);
    return fits(output.type, input.type) || !isWhole
      ? []
      : [
          {
            kind: 'type' as const,
            node: target.id,
            line: target.stage.line,
            port: input.name,
            from: output.type!,
            to: input.type!
          }
        ];
  });
}

function doubleOutputs(graph: IGraph): Problem[] {
  const owners = new Map<string, string>();
  const problems: Problem[] = [];
  for (const node of graph.nodes.values()) {
    for (const path of new Set(node.stage.outs.flatMap(out => out.paths))) {
      const other = owners.get(path);
      if (other !== undefined) {
        problems.push({
          kind: 'output',
          node: node.id,
          line: node.stage.line,
          path,
          other
        });
      }
      owners.set(path, node.id);
    }
  }
  return problems;
}

/** The first cycle, if there is one. */
function cycles(graph: IGraph): Problem[] {
  const rest = new Set(layersOf(graph).rest);
  for (const { source, target } of graph.edges) {
    const isSuspect = rest.has(source) && rest.has(target);
    const way = isSuspect ? pathBetween(graph, target, source) : null;
    if (way) {
      const { line } = graph.nodes.get(source)!.stage;
      return [{ kind: 'cycle', node: source, line, nodes: [source, ...way] }];
    }
  }
  return [];
}
