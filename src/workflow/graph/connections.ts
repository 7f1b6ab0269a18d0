import { sourcePath } from '../document/notes';
import {
  ANY_INPUT,
  drawnEdges,
  type IGraph,
  type ILink,
  linkKey,
  originTypeOf,
  SOURCE_PORT
} from './graph';
import { pathBetween } from './order';

/** Reason for which two ports cannot be connected. */
export type Refusal =
  | { kind: 'type'; from: string; to: string }
  | { kind: 'cycle'; nodes: string[] }
  | { kind: 'same' }
  | { kind: 'text'; node: string }
  | { kind: 'unknown' };

/** Tests whether an input of a type accepts an output of another type. */
export function fits(from: string | null, to: string | null): boolean {
  return (
    from === null ||
    to === null ||
    from === to ||
    (to === 'File' && from !== 'Folder')
  );
}

/** Tests whether a model of some kinds may be of a required kind; an empty list allows all. */
export function kindsFit(
  from: readonly string[] = [],
  to: readonly string[] = []
): boolean {
  return (
    from.length === 0 || to.length === 0 || from.some(one => to.includes(one))
  );
}

/**
 * Returns null if a connection is valid, else the reason; its source may be data.
 *
 * An input for a single file replaces its connection.
 */
export function refusalOf(
  graph: IGraph,
  { source, sourcePort, target, targetPort }: ILink
): Refusal | null {
  const file = sourcePath(source);
  const output =
    file === null
      ? graph.nodes.get(source)?.outputs.find(one => one.name === sourcePort)
      : { type: originTypeOf(file), paths: [file] };
  const to = graph.nodes.get(target);
  const input = to?.inputs.find(port => port.name === targetPort);
  if (!to || !output || !input || output.paths.length === 0) {
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
  const kinds = 'kinds' in output ? output.kinds : [];
  if (!kindsFit(kinds, input.kinds)) {
    return {
      kind: 'type',
      from: kinds!.join(', '),
      to: input.kinds!.join(', ')
    };
  }
  const edges = graph.edges.filter(
    edge => edge.target === target && edge.targetPort === targetPort
  );
  const isSame =
    file === null
      ? edges.some(
          edge => edge.source === source && edge.sourcePort === sourcePort
        )
      : input.paths.includes(file);
  if (isSame) {
    return { kind: 'same' };
  }
  const way = pathBetween(graph, target, source);
  return way ? { kind: 'cycle', nodes: [source, ...way] } : null;
}

/**
 * Returns the connections that bridge removed nodes: from their inputs to the readers of their
 * outputs. Only of nodes with one input, one used output and matching types.
 */
export function bridgesOf(
  graph: IGraph,
  sources: readonly {
    id: string;
    readers: readonly { node: string; port: string }[];
  }[],
  removed: ReadonlySet<string>
): ILink[] {
  const links: ILink[] = [
    ...drawnEdges(graph),
    ...sources.flatMap(({ id, readers }) =>
      readers.map(({ node, port }) => ({
        source: id,
        sourcePort: SOURCE_PORT,
        target: node,
        targetPort: port
      }))
    )
  ];
  const originOf = (node: string): ILink | null => {
    const inputs = links.filter(({ target }) => target === node);
    const outputs = links.filter(({ source }) => source === node);
    const [input] = inputs;
    const isPassing =
      inputs.length === 1 &&
      outputs.every(one => one.sourcePort === outputs[0].sourcePort);
    return !isPassing
      ? null
      : removed.has(input.source)
        ? originOf(input.source)
        : input;
  };
  return links
    .filter(({ source, target }) => removed.has(source) && !removed.has(target))
    .flatMap(({ source, target, targetPort }) => {
      const origin = originOf(source);
      const link = origin && {
        source: origin.source,
        sourcePort: origin.sourcePort,
        target,
        targetPort
      };
      return link && targetPort !== ANY_INPUT && !refusalOf(graph, link)
        ? [link]
        : [];
    })
    .filter(
      (link, index, all) =>
        all.findIndex(one => linkKey(one) === linkKey(link)) === index
    );
}
