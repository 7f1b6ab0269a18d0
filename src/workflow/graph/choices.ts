import type { IComponent, ITableColumns } from '../../api/models';
import type { ISchema } from '../document/schema';
import { sourcePath } from '../document/notes';
import type { Value } from '../document/values';
import { fits, kindsFit, refusalOf } from './connections';
import {
  ANY_INPUT,
  type IEnd,
  type IGraph,
  type IGraphNode,
  type ILink,
  linkBetween,
  originTypeOf
} from './graph';
import { downstream, upstream } from './order';
import { TABLE_FILE } from './sources';

type Output = readonly [node: string, port: string];

/** A component with its first port that fits. */
interface IFitting {
  component: IComponent;
  port: string;
}

/** The group of the components that most often come next, by group. */
const NEXT_GROUP: Readonly<Record<string, string>> = {
  Load: 'Split',
  Prepare: 'Split',
  Clean: 'Split',
  Transform: 'Split',
  Features: 'Split',
  Split: 'Train',
  Train: 'Evaluate',
  Tune: 'Evaluate',
  Evaluate: 'Plot'
};

/**
 * Components that fit a port: of equally good ones the most frequent successor first, then
 * components for the required kind of model.
 */
export function fittingComponents(
  graph: IGraph,
  components: Iterable<IComponent>,
  end: IEnd,
  kind: string | null = null
): IFitting[] {
  const node = graph.nodes.get(end.node);
  const isSource = end.side === 'source';
  const own = (isSource ? node?.outputs : node?.inputs)?.find(
    port => port.name === end.port
  );
  if (!own) {
    return [];
  }
  const fittings = [...components].flatMap(component => {
    const ports = isSource ? component.inputs : component.outputs;
    const fitting = ports.filter(port =>
      isSource
        ? fits(own.type, port.type) && kindsFit(own.kinds, port.kinds)
        : fits(port.type, own.type) && kindsFit(port.kinds, own.kinds)
    );
    // Prefers the exact type, then required inputs.
    const [best] = fitting.sort(
      (one, other) => rank(one, own.type) - rank(other, own.type)
    );
    return best && !component.error
      ? [{ component, port: best.name, rank: rank(best, own.type) }]
      : [];
  });
  const next = isSource ? NEXT_GROUP[node?.component?.group ?? ''] : undefined;
  const order = ({ component, rank }: (typeof fittings)[number]): number =>
    4 * rank -
    2 * Number(next !== undefined && component.group === next) -
    Number(component.outputs.some(port => port.kinds?.join() === kind));
  return fittings.sort((one, other) => order(one) - order(other));
}

function rank(
  port: { type: string; required?: boolean },
  type: string | null
): number {
  return (port.type === type ? 0 : 2) + (port.required === false ? 1 : 0);
}

/** The kind of model for the target of a table; null without a target. */
export function modelKindOf({ columns }: ITableColumns): string | null {
  const target = columns.find(({ role }) => role === 'target');
  return target?.kind
    ? target.kind === 'number'
      ? 'regressor'
      : 'classifier'
    : null;
}

/** The components that read a file or a folder, those for its type first. */
export function readingComponents(
  components: Iterable<IComponent>,
  path: string
): IFitting[] {
  const isFolder = !/\.[^/.]+$/.test(path);
  const isTable = TABLE_FILE.test(path);
  return [...components]
    .flatMap(component => {
      const port = component.inputs.find(
        one => one.type === (isFolder ? 'Folder' : 'File')
      );
      return port && !component.error ? [{ component, port: port.name }] : [];
    })
    .sort(
      (one, other) =>
        Number(isTable && other.component.name === 'load_table') -
        Number(isTable && one.component.name === 'load_table')
    );
}

/** True if an input has no file yet, or takes several. */
function isFree({ inputs }: IGraphNode, name: string): boolean {
  const port = inputs.find(input => input.name === name);
  return port !== undefined && (port.multiple || port.paths.length === 0);
}

/** Valid connections from or to a node, or a port of it, that replace none. */
export function possibleLinks(
  graph: IGraph,
  id: string,
  end: IEnd | null = null
): ILink[] {
  const links: ILink[] = [];
  const node = graph.nodes.get(id);
  const add = (source: IGraphNode, target: IGraphNode): void => {
    const side = source === node ? 'source' : 'target';
    for (const { name: sourcePort } of source.outputs) {
      for (const { name: targetPort } of target.inputs) {
        const ends = { source: source.id, target: target.id };
        const link = { ...ends, sourcePort, targetPort };
        const port = side === 'source' ? sourcePort : targetPort;
        const isWanted = !end || (end.side === side && end.port === port);
        if (isWanted && isFree(target, targetPort) && !refusalOf(graph, link)) {
          links.push(link);
        }
      }
    }
  };
  for (const other of node ? graph.nodes.values() : []) {
    if (node && other !== node) {
      add(node, other);
      add(other, node);
    }
  }
  return links;
}

/**
 * Additional connections of a new node, each only if there is one likely choice: the outputs of the
 * source's siblings, such as models trained on the same table, and for an input such as `test` the
 * output of this name of the nearest upstream node.
 */
export function furtherLinks(graph: IGraph, first: ILink): ILink[] {
  const { source, sourcePort, target, targetPort } = first;
  const links: ILink[] = [];
  for (const port of graph.nodes.get(target)?.inputs ?? []) {
    const origins =
      port.name !== targetPort
        ? // A model also gets optional rows for evaluation or training.
          (port.required || port.type === 'Table') && port.paths.length === 0
          ? nearest(graph, source, port.name)
          : []
        : port.multiple
          ? siblings(graph, source, sourcePort)
          : [];
    links.push(
      ...origins
        .map(([id, output]) => ({
          source: id,
          sourcePort: output,
          target,
          targetPort: port.name
        }))
        .filter(link => !refusalOf(graph, link))
    );
  }
  return links;
}

/** Output with a name of the nearest upstream node, or of the node itself. */
function nearest(graph: IGraph, start: string, name: string): Output[] {
  const id = [start, ...upstream(graph, start)].find(one =>
    graph.nodes.get(one)?.outputs.some(port => port.name === name)
  );
  return id === undefined ? [] : [[id, name]];
}

/** Equivalent outputs of nodes of the same group that read the same outputs. */
function siblings(graph: IGraph, id: string, name: string): Output[] {
  const origins = (node: string): string =>
    graph.edges
      .filter(({ target }) => target === node)
      .map(edge => `${edge.source}:${edge.sourcePort}`)
      .sort()
      .join(' ');
  const own = origins(id);
  const group = graph.nodes.get(id)?.component?.group;
  return own === '' || !group
    ? []
    : [...graph.nodes.values()]
        .filter(
          one =>
            one.id !== id &&
            one.component?.group === group &&
            one.outputs.some(port => port.name === name) &&
            origins(one.id) === own
        )
        .map(one => [one.id, name]);
}

/**
 * Returns the ports that a line from an end may go to, as `node:side:port`.
 *
 * Takes time in proportion to the graph, unlike a check of every pair.
 */
export function fittingEnds(
  graph: IGraph,
  { node, port, side }: IEnd
): ReadonlySet<string> {
  const isSource = side === 'source';
  const file = sourcePath(node);
  const own = graph.nodes.get(node);
  const ports = isSource ? own?.outputs : own?.inputs;
  const end = ports?.find(({ name }) => name === port);
  const kinds = end?.kinds;
  const type = file === null ? (end?.type ?? null) : originTypeOf(file);
  // These connections would close a cycle.
  const excluded = new Set([
    node,
    ...(isSource ? upstream : downstream)(graph, node)
  ]);
  const ends = new Set<string>();
  for (const {
    id,
    inputs,
    outputs,
    stage,
    component
  } of graph.nodes.values()) {
    if (excluded.has(id) || (isSource && !stage.isEditable)) {
      continue;
    }
    for (const other of isSource ? inputs : outputs) {
      const isFitting = isSource
        ? fits(type, other.type) &&
          kindsFit(kinds, other.kinds) &&
          !(component !== null && other.name === ANY_INPUT)
        : fits(other.type, type) &&
          kindsFit(other.kinds, kinds) &&
          other.paths.length > 0;
      if (isFitting) {
        ends.add(`${id}:${isSource ? 'in' : 'out'}:${other.name}`);
      }
    }
  }
  return ends;
}

/** Ports by which a component is inserted into an edge. */
export interface IInsertion {
  input: string;
  output: string;
}

/** Returns the ports of a component that fit between two ports, or null. */
export function insertionOf(
  graph: IGraph,
  link: ILink,
  component: IComponent
): IInsertion | null {
  const { source, sourcePort, target, targetPort } = link;
  const file = sourcePath(source);
  const from =
    file === null
      ? (graph.nodes.get(source)?.outputs.find(one => one.name === sourcePort)
          ?.type ?? null)
      : originTypeOf(file);
  const to =
    graph.nodes.get(target)?.inputs.find(one => one.name === targetPort)
      ?.type ?? null;
  const best = <T extends { type: string; required?: boolean }>(
    ports: T[],
    type: string | null
  ): T | undefined =>
    [...ports].sort((one, other) => rank(one, type) - rank(other, type))[0];
  const input = best(
    component.inputs.filter(port => fits(from, port.type)),
    from
  );
  const output = best(
    component.outputs.filter(port => fits(port.type, to)),
    to
  );
  return input && output && !component.error
    ? { input: input.name, output: output.name }
    : null;
}

/**
 * Connection of an end with a node, for an edge dropped on the node: to a free port of the type,
 * else in place of a connection; if none fits, to a port whose refusal gives the reason.
 */
export function bestLink(graph: IGraph, end: IEnd, id: string): ILink {
  const node = graph.nodes.get(id);
  const ports = end.side === 'source' ? node?.inputs : node?.outputs;
  const links = (ports ?? []).map(port => linkBetween(end, id, port.name));
  const fitting = links.filter(link => !refusalOf(graph, link));
  const free = fitting.filter(({ target, targetPort }) =>
    isFree(graph.nodes.get(target)!, targetPort)
  );
  return (
    free.find(link => link.targetPort !== ANY_INPUT) ??
    free[0] ??
    fitting[0] ??
    links[0] ??
    linkBetween(end, id, '')
  );
}

/** Tests whether a text contains all words of a query. */
export function matchesWords(text: string, query: string): boolean {
  const lower = text.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every(word => lower.includes(word));
}

/**
 * Returns the settings that match a search, such as the algorithm for “random forest”. None if the
 * component's name matches, or no choice does.
 */
export function presetOf(
  { name, title, category, settings }: IComponent,
  query: string
): Record<string, Value> {
  const isOwn = matchesWords([name, title, category].join(' '), query);
  const schema: ISchema = settings;
  for (const [key, property] of Object.entries(
    isOwn ? {} : (schema.properties ?? {})
  )) {
    for (const one of [property, ...(property.anyOf ?? [])]) {
      const index = (one['x-labels'] ?? []).findIndex(label =>
        matchesWords(label, query)
      );
      if (index >= 0 && one.enum) {
        const value = one.enum[index];
        return value === property.default ? {} : { [key]: value };
      }
    }
  }
  return {};
}

/** The text for the search, with the titles of choices: “random forest”. */
export function searchText(component: IComponent): string {
  const { name, title, category, description, settings } = component;
  const schema: ISchema = settings;
  const labels = Object.values(schema.properties ?? {}).flatMap(property =>
    [property, ...(property.anyOf ?? [])].flatMap(one => one['x-labels'] ?? [])
  );
  return [name, title, category, description, ...labels].join(' ');
}
