import { columnInExpression } from '../document/expressions';
import { compose, type Edit } from '../document/edits';
import {
  connect,
  forgetPositions,
  freeId,
  setFileInput
} from '../document/nodes';
import type { Value } from '../document/values';
import { setSetting } from '../document/variables';
import type { CanvasModel } from './model';
import { addComponentNode } from './newNode';

/** Template: nodes with their connections. */
export interface INodeTemplate {
  nodes: {
    id: string;
    type: string;
    config?: Record<string, Value>;
    /** Data files by port, from the project's root. */
    files?: Record<string, string>;
    at: [number, number];
  }[];
  edges: {
    source: string;
    source_port: string;
    target: string;
    target_port: string;
  }[];
  /** The nodes that predict a column. */
  predicts: string[];
}

/** The name that the library gives the column to predict. */
const TARGET = 'target';
/** Component of sample data, and the component that reads a file instead. */
const SAMPLE = 'sample_data';
const LOAD_TABLE = 'load_table';

/**
 * Adds the nodes of a template in a single step: with a file instead of its sample data, and a
 * chosen target column. Does nothing if a component is missing.
 */
export function addTemplate(
  { catalog, document, drawing, selection }: CanvasModel,
  template: INodeTemplate,
  { file, column }: { file: string; column: string }
): boolean {
  const target = column || TARGET;
  const ids = new Map<string, string>();
  for (const { id } of template.nodes) {
    ids.set(id, freeId(document.workflow, id, ids.values()));
  }
  const edits: Edit[] = [];
  for (const { id, type, config = {}, files = {}, at } of template.nodes) {
    const isFile = type === SAMPLE && file !== '';
    const name = isFile ? LOAD_TABLE : type;
    const component = catalog.components.get(name);
    const own = ids.get(id)!;
    if (!component) {
      return false;
    }
    edits.push(addComponentNode(component, own, at));
    const inputs = isFile ? { file } : files;
    for (const [port, path] of Object.entries(inputs)) {
      edits.push(setFileInput(own, port, path));
    }
    const settings = {
      ...(isFile ? {} : config),
      ...(template.predicts.includes(id) && target !== TARGET ? { target } : {})
    };
    for (const [key, value] of Object.entries(settings)) {
      edits.push(setSetting(own, [key], withTarget(value, target)));
    }
  }
  for (const {
    source,
    source_port,
    target: reader,
    target_port
  } of template.edges) {
    edits.push(workflow => {
      const from = ids.get(source)!;
      const output = workflow.stages
        .find(({ id }) => id === from)
        ?.args.find(({ name }) => name === source_port);
      return output
        ? connect({
            source: from,
            path: output.paths[0],
            target: ids.get(reader)!,
            port: target_port
          })(workflow)
        : workflow.data;
    });
  }
  // The automatic layout fills the canvas, whatever its shape.
  const isDone = document.edit(compose(...edits, forgetPositions));
  if (isDone) {
    selection.select([]);
    drawing.arranged.emit();
  }
  return isDone;
}

/** Replaces the target column in a setting, also in a list or an expression. */
function withTarget(value: Value, target: string): Value {
  if (Array.isArray(value)) {
    return value.map(one => withTarget(one, target));
  }
  return typeof value === 'string'
    ? value === TARGET
      ? target
      : value.replace(`\`${TARGET}\``, columnInExpression(target))
    : value;
}

/** Returns a text in which a node reads the columns of a file: `next`. */
export function textOfFile(model: CanvasModel, file: string): string | null {
  const { catalog, document } = model;
  const load = catalog.components.get(LOAD_TABLE);
  const split = catalog.components.get('split');
  if (!load || !split) {
    return null;
  }
  return [
    'stages:',
    '  load:',
    `    wdir: ${'../'.repeat(document.workflow.path.split('/').length - 1) || '.'}`,
    `    cmd: jupyter mlws node load_table --file ${JSON.stringify(file)} --table load.parquet --separator '' --encoding '' --decimal ''`,
    `    deps: [${JSON.stringify(file)}]`,
    '    outs: [load.parquet]',
    '  next:',
    `    wdir: ${'../'.repeat(document.workflow.path.split('/').length - 1) || '.'}`,
    '    cmd: jupyter mlws node split --data load.parquet --train a.parquet --test b.parquet',
    '    deps: [load.parquet]',
    '    outs: [a.parquet, b.parquet]',
    ''
  ].join('\n');
}
