import type { IWorkflow } from '../document/document';
import { compose, type Edit } from '../document/edits';
import { addInput, connect, disconnect } from '../document/nodes';
import { dataOf, removeItems, sourceId } from '../document/notes';
import { ANY_INPUT, type IGraph, type IGraphPort } from './graph';

/** Names of files that are read as tables. */
export const TABLE_FILE = /^[^.].*\.(csv|tsv|txt|parquet|xlsx|jsonl|ndjson)$/i;

/** Data that a workflow reads and does not make. */
export interface ISource {
  /** Of the drawing; stages cannot have such names. */
  id: string;
  /** From the project's root. */
  path: string;
  at: [number, number] | null;
  readers: { node: string; port: string }[];
}

/** The line from a source to an input. */
export function sourceEdge(id: string, node: string, port: string): string {
  return `${id}->${node}:${port}`;
}

const CODE_FILE =
  /\.(py|pyx|ipynb|r|rmd|jl|js|ts|sh|bash|c|cc|cpp|h|java|scala|go|rs|ya?ml|toml|cfg|ini|lock|dvc)$/i;
const HAS_EXTENSION = /\.\w+$/;

/**
 * Data that nodes read, and unconnected data on the canvas.
 *
 * Code and settings are excluded; a folder counts if DVC tracks it (`tracked`) or it is an input.
 */
export function sourcesOf(
  workflow: IWorkflow,
  graph: IGraph,
  tracked: { has(path: string): boolean }
): ISource[] {
  const sources = new Map<string, ISource>();
  const sourceOf = (path: string): ISource => {
    const source = sources.get(path) ?? {
      id: sourceId(path),
      path,
      at: null,
      readers: []
    };
    sources.set(path, source);
    return source;
  };
  for (const { path, at } of dataOf(workflow)) {
    sourceOf(path).at = at;
  }
  const outputs = new Set(
    graph.edges.map(edge => `${edge.target} ${edge.targetPort} ${edge.path}`)
  );
  for (const node of graph.nodes.values()) {
    for (const port of node.inputs) {
      for (const path of port.paths) {
        const isInput = !outputs.has(`${node.id} ${port.name} ${path}`);
        const isNamed = HAS_EXTENSION.test(path) || port.type !== null;
        const isData = !CODE_FILE.test(path) && (isNamed || tracked.has(path));
        if (isInput && (isData || sources.has(path)) && !path.includes('${')) {
          sourceOf(path).readers.push({ node: node.id, port: port.name });
        }
      }
    }
  }
  return [...sources.values()];
}

/** Connects an input to a file; an input for a single file replaces its connection. */
export function readSource(
  path: string,
  target: string,
  { name, multiple, paths }: IGraphPort
): Edit {
  const replaces = multiple ? [] : paths;
  return name === ANY_INPUT
    ? addInput(target, path)
    : connect({ source: '', path, target, port: name, replaces });
}

export function leaveSource(path: string, target: string, port: string): Edit {
  return disconnect({ path, target, port: port === ANY_INPUT ? null : port });
}

/** Removes data from the canvas and from its readers. */
export function removeSource({ path, readers }: ISource): Edit {
  return compose(
    ...readers.map(({ node, port }) => leaveSource(path, node, port)),
    workflow => {
      const index = dataOf(workflow).findIndex(one => one.path === path);
      return removeItems('data', new Set([index]))(workflow);
    }
  );
}
