import type { IComponent } from '../../api/models';
import type {
  IPathEntry,
  IStage,
  IWorkflow,
  NodeKind
} from '../document/document';
import { basename, folders } from '../document/paths';
import type { ISchema } from '../document/schema';
import { applies, settingsOf } from '../document/settings';

/** Port of a node, an end of edges. */
export interface IGraphPort {
  name: string;
  /** Null if unknown: such a port fits every type. */
  type: string | null;
  required: boolean;
  multiple: boolean;
  description: string;
  /** Files it reads or writes, from the project's root. */
  paths: string[];
  /** Kinds of models; empty for all. */
  kinds?: readonly string[];
}

export interface IGraphNode {
  id: string;
  /** First line of the description, or the id. */
  title: string;
  kind: NodeKind;
  component: IComponent | null;
  /** The component's name, also for unknown components. */
  componentName: string | null;
  /** JSON Schema of the settings: a component's, or a notebook's parameters. */
  settings: ISchema | null;
  inputs: IGraphPort[];
  outputs: IGraphPort[];
  at: [number, number] | null;
  /** Of a collapsed frame that of its first node. */
  stage: IStage;
  /** True if columns are prepared automatically, which takes a line of the card. */
  prepares?: boolean;
  /** The nodes of a collapsed frame. */
  members?: readonly string[];
}

/** A connection, drawn or not. */
export interface ILink {
  source: string;
  sourcePort: string;
  target: string;
  targetPort: string;
}

/** An end of a connection: an output (`source`) or an input (`target`) of a node. */
export interface IEnd {
  side: 'source' | 'target';
  node: string;
  port: string;
}

/** Connection of an end with a port of a node. */
export function linkBetween(end: IEnd, node: string, port: string): ILink {
  return end.side === 'source'
    ? {
        source: end.node,
        sourcePort: end.port,
        target: node,
        targetPort: port
      }
    : {
        source: node,
        sourcePort: port,
        target: end.node,
        targetPort: end.port
      };
}

export interface IGraphEdge extends ILink {
  id: string;
  path: string;
}

export interface IGraph {
  nodes: Map<string, IGraphNode>;
  edges: IGraphEdge[];
}

/** The ports that an edge connects. */
export function linkKey(link: ILink): string {
  const { source, sourcePort, target, targetPort } = link;
  return `${source}:${sourcePort}->${target}:${targetPort}`;
}

/** Edges as drawn: one for all files between two ports, as those of a sweep. */
export function drawnEdges({ edges }: IGraph): IGraphEdge[] {
  const drawn = new Map<string, IGraphEdge>();
  for (const edge of edges) {
    const key = linkKey(edge);
    if (!drawn.has(key)) {
      drawn.set(key, edge);
    }
  }
  return [...drawn.values()];
}

/** The port of a node whose command says nothing of ports. */
export const ANY_INPUT = 'deps';
/** The output port of every source. */
export const SOURCE_PORT = 'data';

const TYPES: [RegExp, string][] = [
  [/\.parquet$/, 'Table'],
  [/\.skops$/, 'Model'],
  [/\.(png|svg|jpe?g)$/, 'Figure'],
  [/\.(txt|md|log)$/, 'Text']
];

/** The graph of a document; nodes of `before` that are still right are taken from there. */
export function buildGraph(
  document: IWorkflow,
  components: ReadonlyMap<string, IComponent>,
  notebooks: ReadonlyMap<string, IComponent> = new Map(),
  before: IGraph = { nodes: new Map(), edges: [] }
): IGraph {
  const nodes = new Map<string, IGraphNode>();
  for (const stage of document.stages) {
    const component = stage.component
      ? (components.get(stage.component) ?? null)
      : null;
    const notebook = notebooks.get(stage.notebook ?? '') ?? null;
    const settings: ISchema | null =
      component?.settings ?? notebook?.settings ?? null;
    const old = before.nodes.get(stage.id);
    const prepares = preparesColumns(stage, settings, document);
    const isKnown =
      old?.prepares === prepares &&
      old.component === component &&
      old.settings === settings &&
      // A stage at a new line is equal but for the line.
      old.stage.outs === stage.outs;
    nodes.set(
      stage.id,
      !isKnown
        ? { ...makeNode(stage, component, settings), prepares }
        : old.stage === stage
          ? old
          : { ...old, stage }
    );
  }
  return { nodes, edges: makeEdges(nodes) };
}

function preparesColumns(
  stage: IStage,
  settings: ISchema | null,
  document: IWorkflow
): boolean {
  const property = settings?.properties?.preparation;
  const values = property ? settingsOf({ stage, settings }, document) : {};
  return (
    values.preparation === 'automatic' &&
    applies(property!, values) &&
    // Steps of a node count instead.
    argumentPaths(stage, 'steps').length === 0
  );
}

function makeNode(
  stage: IStage,
  component: IComponent | null,
  settings: IGraphNode['settings']
): IGraphNode {
  return {
    id: stage.id,
    title: stage.description.trim().split('\n')[0] || stage.id,
    kind: stage.kind,
    component,
    componentName: stage.component,
    settings,
    inputs: inputsOf(stage, component),
    outputs: outputsOf(stage, component),
    at: stage.at,
    stage
  };
}

function argumentPaths(stage: IStage, port: string): string[] {
  return stage.args.filter(arg => arg.name === port).flatMap(arg => arg.paths);
}

function inputsOf(stage: IStage, component: IComponent | null): IGraphPort[] {
  const ports: IGraphPort[] = component
    ? component.inputs.map(port => ({
        ...port,
        paths: argumentPaths(stage, port.name)
      }))
    : portsByArguments(stage);
  const bound = new Set(ports.flatMap(port => port.paths));
  if (component?.path) {
    bound.add(component.path); // The code of a component of the project.
  }
  const loose = stage.deps
    .flatMap(dep => dep.paths)
    .filter(path => !bound.has(path));
  const isOpen = !stage.component;
  if (isOpen || loose.length > 0) {
    ports.push(openInput(ANY_INPUT, loose));
  }
  return ports;
}

/** Of an unknown component: the arguments that pass a dependency on. */
function portsByArguments(stage: IStage): IGraphPort[] {
  const deps = new Set(stage.deps.flatMap(dep => dep.paths));
  const names = stage.args
    .filter(arg => arg.paths.some(path => deps.has(path)))
    .map(arg => arg.name);
  return [...new Set(names)].map(name =>
    openInput(
      name,
      argumentPaths(stage, name).filter(path => deps.has(path))
    )
  );
}

/** Input that no component describes. */
function openInput(name: string, paths: string[]): IGraphPort {
  return {
    name,
    type: null,
    required: false,
    multiple: true,
    description: '',
    paths
  };
}

function outputsOf(stage: IStage, component: IComponent | null): IGraphPort[] {
  const ports = (component?.outputs ?? []).map(port => ({
    ...port,
    required: false,
    multiple: true,
    paths: argumentPaths(stage, port.name)
  }));
  const bound = new Set(ports.flatMap(port => port.paths));
  const names = new Set(ports.map(port => port.name));
  const loose = stage.outs.filter(
    out => !out.paths.some(path => bound.has(path))
  );
  return [
    ...ports,
    ...loose.map(out => {
      const port = loosePort(stage, out, names);
      names.add(port.name);
      return port;
    })
  ];
}

function loosePort(
  stage: IStage,
  out: IPathEntry,
  taken: ReadonlySet<string>
): IGraphPort {
  const argument = stage.args.find(arg =>
    arg.paths.some(path => out.paths.includes(path))
  );
  const short = argument?.name ?? basename(out.raw);
  return {
    name: taken.has(short) ? out.raw : short,
    type: out.list === 'metrics' ? 'Metrics' : typeByName(out.raw),
    required: false,
    multiple: true,
    description: out.raw,
    paths: out.paths
  };
}

function typeByName(path: string): string | null {
  return TYPES.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

/** Type of a file that no node writes, by its name; null if unknown. */
export function originTypeOf(path: string): string | null {
  return /\.(csv|tsv|xlsx?|db|sqlite3?|zip)$/i.test(path)
    ? 'File'
    : typeByName(path);
}

interface IOrigin {
  node: string;
  port: string;
  path: string;
}

function makeEdges(nodes: ReadonlyMap<string, IGraphNode>): IGraphEdge[] {
  const exact = new Map<string, IOrigin[]>();
  const below = new Map<string, IOrigin[]>();
  for (const node of nodes.values()) {
    for (const port of node.outputs) {
      for (const path of port.paths) {
        const origin = { node: node.id, port: port.name, path };
        push(exact, path, origin);
        folders(path).forEach(folder => push(below, folder, origin));
      }
    }
  }
  const edges = new Map<string, IGraphEdge>();
  for (const node of nodes.values()) {
    for (const port of node.inputs) {
      for (const path of port.paths) {
        for (const origin of originsOf(path, exact, below)) {
          const { node: source, port: sourcePort } = origin;
          const [target, targetPort] = [node.id, port.name];
          const id = `${source}:${sourcePort}->${target}:${targetPort}:${path}`;
          if (source !== target) {
            const edge = { id, source, sourcePort, target, targetPort, path };
            edges.set(id, edge);
          }
        }
      }
    }
  }
  return [...edges.values()];
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) {
    list.push(value);
  } else {
    map.set(key, [value]);
  }
}

/** Stages that write a path, a folder that contains it, or files inside it. */
function originsOf(
  path: string,
  exact: ReadonlyMap<string, IOrigin[]>,
  below: ReadonlyMap<string, IOrigin[]>
): IOrigin[] {
  const self = exact.get(path) ?? [];
  const above = folders(path).flatMap(folder => exact.get(folder) ?? []);
  return [...self, ...above, ...(below.get(path) ?? [])];
}
