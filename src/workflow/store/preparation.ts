/** Converts the automatic preparation of a learner to a node, with the steps of its model. */

import type { IColumnPreparation, INodeSummary } from '../../api/models';
import { compose, type Edit } from '../document/edits';
import { connect, freeId, setFileInput } from '../document/nodes';
import { type Settings, settingsOf } from '../document/settings';
import type { Value } from '../document/values';
import { hasForeignSettings, setSetting } from '../document/variables';
import { NODE_WIDTH, nodeHeight } from '../graph/geometry';
import type { IGraphNode } from '../graph/graph';
import { freePlace } from '../graph/layout';
import { COLUMN_GAP } from '../graph/wrapping';
import type { CanvasModel } from './model';
import { addComponentNode } from './newNode';

const PREPARE_COLUMNS = 'prepare_columns';
/** Input of learners for steps. */
export const STEPS = 'steps';
/** Distance below the learner, in pixels. */
const ROW_GAP = 40;
/** Kinds of models with a single task. */
const TASKS: Readonly<Record<string, string>> = {
  linear_regression: 'regression',
  ridge: 'regression',
  logistic_regression: 'classification'
};

/** The result with the steps of a node that prepares columns automatically. */
function resultOf(
  { results, drawing }: CanvasModel,
  id: string
): { run: string; port: string } | null {
  const summary: INodeSummary | undefined = results.nodes.get(id);
  const output = summary?.outputs.find(one => one.preparation);
  return drawing.graph.nodes.get(id)?.prepares && summary?.run && output
    ? { run: summary.run, port: output.port }
    : null;
}

/** Tests whether a preparation can become a node: it has steps, and the text is editable. */
export function canShowPreparation(model: CanvasModel, id: string): boolean {
  const { document, drawing } = model;
  const node = drawing.graph.nodes.get(id);
  return (
    node !== undefined &&
    node.kind !== 'sweep' &&
    node.stage.isEditable &&
    !document.isReadOnly &&
    !document.error &&
    !hasForeignSettings(document.workflow, node.stage) &&
    resultOf(model, id) !== null
  );
}

/** Replaces the automatic preparation of a learner by a node with the same steps. */
export async function showPreparation(
  model: CanvasModel,
  id: string
): Promise<void> {
  const result = resultOf(model, id);
  if (result) {
    await model.server.ask(
      ({ reader }) => reader.preview(result.run, id, result.port),
      preview => {
        const node = model.drawing.graph.nodes.get(id);
        if (preview.type === 'Model' && preview.preparation && node?.prepares) {
          insertSteps(model, node, preview.preparation);
        }
      }
    );
  }
}

function insertSteps(
  { catalog, document, drawing, selection }: CanvasModel,
  learner: IGraphNode,
  columns: readonly IColumnPreparation[]
): void {
  const component = catalog.components.get(PREPARE_COLUMNS);
  const input = learner.inputs.find(({ name }) => name === STEPS);
  const place = drawing.positions.get(learner.id);
  const data = learner.inputs.find(({ name }) => name === 'data')?.paths[0];
  if (!component || !input || !place || data === undefined) {
    return;
  }
  const { workflow } = document;
  const id = freeId(workflow, PREPARE_COLUMNS);
  const at = freePlace(drawing.graph, drawing.positions, {
    x: place.x - NODE_WIDTH - COLUMN_GAP,
    y: place.y + nodeHeight(learner) + ROW_GAP
  });
  const settings = settingsOf(learner, workflow);
  const set = (node: string, values: Settings): Edit[] =>
    Object.entries(values).map(([key, value]) =>
      setSetting(node, [key], value)
    );
  const edits = [
    addComponentNode(component, id, [Math.round(at.x), Math.round(at.y)]),
    ...set(id, stepSettings(learner, settings, columns)),
    // The output of a node, or a file.
    setFileInput(id, 'data', data),
    ...set(learner.id, { preparation: 'none', scale: false })
  ];
  const link: Edit = now => {
    const stage = now.stages.find(one => one.id === id)!;
    const path = stage.args.find(({ name }) => name === STEPS)!.paths[0];
    return connect({
      source: id,
      path,
      target: learner.id,
      port: STEPS,
      replaces: input.paths
    })(now);
  };
  if (document.edit(compose(...edits, link))) {
    selection.select([id]);
  }
}

/** The settings of the node that differ from its defaults. */
function stepSettings(
  { componentName }: IGraphNode,
  settings: Settings,
  columns: readonly IColumnPreparation[]
): Record<string, Value> {
  const { target, scale, task, model_type } = settings;
  const seed = settings.random_state ?? settings.seed;
  const numbers = columns.filter(({ step }) =>
    ['numbers', 'dates'].includes(step)
  );
  const own =
    {
      train_classifier: 'classification',
      train_regressor: 'regression',
      train_clusters: 'clustering'
    }[componentName ?? ''] ??
    TASKS[String(model_type)] ??
    task;
  return {
    columns: columns.map(({ name, step }) => `${name}=${step}`),
    ...(numbers.some(column => !column.fills_gaps) && { gaps: 'keep' }),
    ...(scale === false && { scale }),
    ...(own !== undefined && own !== 'auto' && { task: own }),
    ...(typeof target === 'string' && own !== 'clustering' && { target }),
    ...(seed !== undefined && seed !== 0 && { random_state: seed })
  };
}
