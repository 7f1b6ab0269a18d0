import type { IWorkflow } from '../document/document';
import { basename } from '../document/paths';
import type { ISchema } from '../document/schema';
import { applies, settingsOf } from '../document/settings';
import { valueAt } from '../document/templates';
import { isRecord, type Value } from '../document/values';
import { settingsPath } from '../document/variables';
import type { IGraphNode } from './graph';

/** Settings in the line of a card. */
const MAX_SETTINGS = 3;
/** Values of a list in it. */
const MAX_VALUES = 2;

interface IReading {
  settings: ISchema | null;
  own: Value | undefined;
  text: string;
}

/** The lines of stages as they were read last. */
const READINGS = new WeakMap<object, IReading>();

/**
 * Returns the settings that distinguish a node from others of its kind: the first choice, then
 * those in the file ("Random forest, Maximum depth 6"); without a component, its program.
 */
export function keySettings(node: IGraphNode, workflow: IWorkflow): string {
  const { stage, settings } = node;
  const own = valueAt(workflow.vars, settingsPath(stage).join('.'));
  const cached = READINGS.get(stage);
  if (cached && cached.settings === settings && cached.own === own) {
    return cached.text;
  }
  const text = settings?.properties
    ? settingsText(node, settings, own, workflow)
    : programOf(node);
  READINGS.set(stage, { settings, own, text });
  return text;
}

function settingsText(
  node: IGraphNode,
  schema: ISchema,
  own: Value | undefined,
  workflow: IWorkflow
): string {
  const values = settingsOf(node, workflow);
  const explicit = new Set([
    ...(isRecord(own) ? Object.keys(own) : []),
    ...(node.stage.command?.args ?? []).map(({ name }) => name)
  ]);
  const entries = Object.entries(schema.properties ?? {}).filter(
    ([name, property]) =>
      applies(property, values) &&
      values[name] !== undefined &&
      values[name] !== null &&
      values[name] !== 'auto'
  );
  const choice = entries.find(([, property]) => labelsOf(property));
  const first = [
    ...(choice ? [choice] : []),
    ...entries.filter(entry => entry !== choice && explicit.has(entry[0]))
  ].slice(0, MAX_SETTINGS);
  return first
    .map(([name, property]) => settingText(name, property, values[name]))
    .filter(text => text !== '')
    .join(', ');
}

function labelsOf(property: ISchema): ISchema | undefined {
  return [property, ...(property.anyOf ?? [])].find(one => one['x-labels']);
}

function settingText(name: string, property: ISchema, value: Value): string {
  const choices = labelsOf(property);
  const label = choices?.['x-labels']?.[choices.enum?.indexOf(value) ?? -1];
  if (label !== undefined) {
    return label;
  }
  const title = property.title ?? name;
  if (typeof value === 'boolean') {
    return value ? title : '';
  }
  if (Array.isArray(value)) {
    const more = value.length - MAX_VALUES;
    const some = value.slice(0, MAX_VALUES).map(String).join(', ');
    return value.length === 0 ? '' : more > 0 ? `${some}, +${more}` : some;
  }
  if (isRecord(value)) {
    return '';
  }
  return typeof value === 'number' ? `${title} ${value}` : String(value);
}

/** Returns the notebook or script that a node runs, from the project's root. */
export function programFile({ stage, kind }: IGraphNode): string | null {
  const script = kind === 'script' ? scriptOf(stage.commands[0] ?? '') : null;
  const dependency = stage.deps.find(({ raw }) => raw === script);
  return stage.notebook ?? dependency?.paths[0] ?? null;
}

function scriptOf(command: string): string | null {
  return command.split(/\s+/).find(word => /\.\w+$/.test(word)) ?? null;
}

/** The file that a node runs, or its command. */
function programOf({ stage, kind }: IGraphNode): string {
  if (stage.notebook) {
    return basename(stage.notebook);
  }
  const command = stage.commands[0] ?? '';
  return kind === 'script'
    ? (scriptOf(command) ?? command)
    : kind === 'shell'
      ? command
      : '';
}
