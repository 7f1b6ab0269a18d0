import type { IWorkflow } from '../document/document';
import type { ISchema } from '../document/schema';
import { settingsOf } from '../document/settings';
import type { IGraph, IGraphNode } from './graph';
import { targetsOf } from './order';

type ISettings = { settings: ISchema | null };

/** Returns the setting of a component for the target column; undefined if it has none. */
function targetSetting({ settings }: ISettings): ISchema | undefined {
  const property = settings?.properties?.target;
  return property?.['x-columns'] && property;
}

/** Returns the target column set on a node; undefined if it has none, or the default. */
function chosenTarget(
  node: IGraphNode,
  workflow: IWorkflow
): string | undefined {
  const property = targetSetting(node);
  const value = property && settingsOf(node, workflow).target;
  return typeof value === 'string' &&
    value !== '' &&
    value !== property?.default
    ? value
    : undefined;
}

/**
 * Returns the default target column of a node connected to `start`: that of the nearest node with a
 * target, in either direction. Undefined if there is none.
 */
export function inheritedTarget(
  graph: IGraph,
  workflow: IWorkflow,
  start: string,
  node: IGraphNode | ISettings
): string | undefined {
  const isSet = 'stage' in node && chosenTarget(node, workflow) !== undefined;
  if (!targetSetting(node) || isSet) {
    return undefined;
  }
  const neighbors = targetsOf(graph);
  graph.edges.forEach(({ source, target }) =>
    neighbors.get(target)?.push(source)
  );
  const reached = new Set([start]);
  for (const id of reached) {
    const one = graph.nodes.get(id);
    const value = one && chosenTarget(one, workflow);
    if (value !== undefined) {
      return value;
    }
    neighbors.get(id)?.forEach(next => reached.add(next));
  }
  return undefined;
}
