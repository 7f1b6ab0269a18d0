import type { IWorkflow } from '../document/document';
import { applies, settingsOf } from '../document/settings';
import type { IGraph, IGraphNode } from './graph';

/** Generated names, which do not describe a model. */
const GENERATED_NAME =
  /^(train_classifier|train_regressor|model_training|tune_model|train_network)(_\d+)?$/;
/** The settings that say it. */
const ALGORITHM_SETTINGS = ['algorithm', 'model_type'];
/** Settings of a title in which models of the same algorithm differ. */
const MAX_SETTINGS = 2;

/**
 * Returns titles for nodes that train models and have generated names: their algorithms ("Random
 * forest (Maximum depth 3)"), by node id.
 */
export function modelTitles(
  { nodes }: IGraph,
  workflow: IWorkflow
): ReadonlyMap<string, string> {
  const models = [...nodes.values()].flatMap(node => {
    const settings = algorithmOf(node, workflow);
    return settings && node.title === node.id && GENERATED_NAME.test(node.id)
      ? [{ id: node.id, ...settings }]
      : [];
  });
  return new Map(
    models.map(({ id, label, settings }) => {
      const twins = models.filter(one => one.label === label);
      const differences = [...settings].flatMap(([name, text]) =>
        twins.some(one => (one.settings.get(name) ?? '') !== text) ? [text] : []
      );
      const some = differences.slice(0, MAX_SETTINGS).join(', ');
      return [id, some === '' ? label : `${label} (${some})`];
    })
  );
}

/** Algorithm of a node, and its remaining settings as texts; null if it has none. */
function algorithmOf(
  node: IGraphNode,
  workflow: IWorkflow
): { label: string; settings: ReadonlyMap<string, string> } | null {
  const properties = node.settings?.properties ?? {};
  const name = ALGORITHM_SETTINGS.find(one => properties[one]?.['x-labels']);
  if (name === undefined) {
    return null;
  }
  const values = settingsOf(node, workflow);
  const { enum: choices, 'x-labels': labels } = properties[name];
  const label = labels?.[choices?.indexOf(values[name]) ?? -1];
  const settings = Object.entries(properties).flatMap(
    ([key, property]): [string, string][] => {
      const value = values[key];
      return key !== name &&
        applies(property, values) &&
        (typeof value === 'number' || typeof value === 'string')
        ? [[key, `${property.title ?? key} ${value}`]]
        : [];
    }
  );
  return label === undefined ? null : { label, settings: new Map(settings) };
}
