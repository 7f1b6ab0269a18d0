import { ANY_INPUT, type IGraph, type ILink } from './graph';
import { pathBetween } from './order';

/** Why two ports can't be connected. */
export type Refusal =
  | { kind: 'type'; from: string; to: string }
  | { kind: 'cycle'; nodes: string[] }
  | { kind: 'taken'; port: string; by: string }
  | { kind: 'same' }
  | { kind: 'text'; node: string }
  | { kind: 'unknown' };

/** May a type of output be read where another type is wanted? */
export function fits(from: string | null, to: string | null): boolean {
  return (
    from === null ||
    to === null ||
    from === to ||
    (to === 'File' && from !== 'Folder')
  );
}

/** Null where the connection may be drawn, else why not. */
export function canConnect(
  graph: IGraph,
  { source, sourcePort, target, targetPort }: ILink
): Refusal | null {
  const from = graph.nodes.get(source);
  const to = graph.nodes.get(target);
  const output = from?.outputs.find(port => port.name === sourcePort);
  const input = to?.inputs.find(port => port.name === targetPort);
  if (!from || !to || !output || !input || output.paths.length === 0) {
    return { kind: 'unknown' };
  }
  if (source === target) {
    return { kind: 'cycle', nodes: [source, source] };
  }
  if (
    !to.stage.isEditable ||
    (to.kind === 'component' && targetPort === ANY_INPUT)
  ) {
    return { kind: 'text', node: target };
  }
  if (!fits(output.type, input.type)) {
    return { kind: 'type', from: output.type!, to: input.type! };
  }
  const here = graph.edges.filter(
    edge => edge.target === target && edge.targetPort === targetPort
  );
  if (
    here.some(edge => edge.source === source && edge.sourcePort === sourcePort)
  ) {
    return { kind: 'same' };
  }
  if (!input.multiple && here.length > 0) {
    return { kind: 'taken', port: targetPort, by: here[0].source };
  }
  const way = pathBetween(graph, target, source);
  return way ? { kind: 'cycle', nodes: [source, ...way] } : null;
}
