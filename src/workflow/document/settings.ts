import type { IStage, IWorkflow } from './document';
import { compose, type Edit } from './edits';
import type { ISchema } from './schema';
import { valueAt } from './templates';
import { deepEqual, isRecord, type Value } from './values';
import { setSetting, settingsPath } from './variables';

export type Settings = Record<string, Value>;

/** Stage with the JSON Schema of its settings; null if it has none. */
interface IConfigurable {
  stage: IStage;
  settings: ISchema | null;
}

/** A choice between a type and nothing becomes that type, with an empty field for nothing. */
export function formSchema(schema: ISchema): ISchema {
  const properties: Record<string, ISchema> = {};
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    properties[key] = property.properties
      ? formSchema(property)
      : withEnumNames(withoutNull(property));
  }
  return { ...schema, properties };
}

/** Titles of choices, as all releases 5 of the form library expect them. */
function withEnumNames(property: ISchema): ISchema {
  const withNames = (one: ISchema): ISchema =>
    one['x-labels'] ? { ...one, enumNames: one['x-labels'] } : one;
  return property.anyOf
    ? { ...property, anyOf: property.anyOf.map(withNames) }
    : withNames(property);
}

/** Hides the settings without an effect with the present values; sets each setting's field. */
export function formUi(
  schema: ISchema,
  values: Settings
): Record<string, object> {
  const fields = Object.entries(schema.properties ?? {}).flatMap(
    ([key, property]): [string, object][] => {
      if (!applies(property, values)) {
        return [[key, { 'ui:widget': 'hidden' }]];
      }
      const isList = [property.type].flat().includes('array');
      const expression = property['x-expression'];
      if (expression) {
        const ui = { 'ui:widget': 'expression', 'ui:options': { expression } };
        return [[key, isList ? { items: ui } : ui]];
      }
      if (property['x-pairs']) {
        return [[key, { 'ui:field': 'pairs' }]];
      }
      if (property['x-rules']) {
        return [[key, { 'ui:field': 'rules' }]];
      }
      if (!property['x-columns']) {
        return [];
      }
      return [
        [key, isList ? { 'ui:field': 'columns' } : { 'ui:widget': 'column' }]
      ];
    }
  );
  return Object.fromEntries(fields);
}

/** True if a setting has an effect; also with the value of a variant, which is not known here. */
export function applies(property: ISchema, values: Settings): boolean {
  return Object.entries(property['x-applies-to'] ?? {}).every(
    ([name, choices]) =>
      values[name] === undefined || choices.includes(values[name])
  );
}

/** The schema of a setting that may be nothing, as that of something. */
export function withoutNull(property: ISchema): ISchema {
  const choices: ISchema[] = property.anyOf ?? [];
  const [only, ...more] = choices.filter(one => one.type !== 'null');
  if (
    !only ||
    more.length > 0 ||
    choices.length !== 2 ||
    typeof only.type !== 'string'
  ) {
    return property;
  }
  const rest = { ...property };
  delete rest.anyOf;
  const isScalar =
    only.type !== 'object' && only.type !== 'array' && !only.enum;
  return isScalar ? { ...only, ...rest, type: [only.type, 'null'] } : property;
}

/** The schema of the settings that do not vary. */
export function freeSchema({ stage, settings }: IConfigurable): ISchema {
  return withoutSettings(settings ?? {}, axisNames(stage));
}

/** The names of the settings that vary. */
function axisNames(stage: IStage): ReadonlySet<string> {
  const args = stage.command?.args ?? [];
  return new Set(
    args
      .filter(({ values }) =>
        values.some(({ text }) => /\$\{\s*(item|key)\b/.test(text))
      )
      .map(arg => arg.name)
  );
}

/** A schema without some settings, which are named with dots. */
function withoutSettings(
  schema: ISchema,
  names: ReadonlySet<string>,
  above = ''
): ISchema {
  if (names.size === 0) {
    return schema;
  }
  const properties = Object.entries(schema.properties ?? {})
    .filter(([key]) => !names.has(above + key))
    .map(([key, property]): [string, ISchema] => [
      key,
      property.properties
        ? withoutSettings(property, names, `${above}${key}.`)
        : property
    ]);
  const required = (schema.required ?? []).filter(
    (key: string) => !names.has(above + key)
  );
  return { ...schema, properties: Object.fromEntries(properties), required };
}

export function defaultsOf(schema: ISchema): Settings {
  const defaults: Settings = {};
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.default !== undefined) {
      defaults[key] = property.default;
    } else if (property.properties) {
      defaults[key] = defaultsOf(property);
    }
  }
  return defaults;
}

/** Settings of a node: its entry in `vars`, else the command's arguments, else the defaults. */
export function settingsOf(node: IConfigurable, document: IWorkflow): Settings {
  const schema = freeSchema(node);
  const own = valueAt(document.vars, settingsPath(node.stage).join('.'));
  return merge(
    merge(defaultsOf(schema), argumentSettings(node.stage, schema, document)),
    isRecord(own) ? own : {}
  );
}

function merge(base: Settings, over: Settings): Settings {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    result[key] =
      isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return result;
}

/** Settings in the command, such as `--epochs 5`. */
function argumentSettings(
  stage: IStage,
  schema: ISchema,
  document: IWorkflow
): Settings {
  const settings: Settings = {};
  for (const { name, values } of stage.command?.args ?? []) {
    const property = schema.properties?.[name];
    if (property && !property.properties) {
      settings[name] = readWords(
        values.map(value => value.text),
        property,
        document
      );
    }
  }
  return settings;
}

function readWords(
  words: string[],
  property: ISchema,
  document: IWorkflow
): Value {
  const one = (word: string, type: string | undefined): Value => {
    const name = /^\$\{\s*([^}]+?)\s*\}$/.exec(word)?.[1];
    const value = name ? valueAt(document.vars, name) : undefined;
    if (value !== undefined) {
      return value;
    }
    const isNumber = type === 'number' || type === 'integer';
    return isNumber && word.trim() !== '' && Number.isFinite(Number(word))
      ? Number(word)
      : word;
  };
  const type = [withoutNull(property).type].flat()[0];
  if (type === 'array') {
    return words.map(word => one(word, [property.items?.type].flat()[0]));
  }
  if (type === 'boolean') {
    return words.length === 0 || words[0] === 'true';
  }
  return one(words[0] ?? '', type);
}

/**
 * Writes the settings that differ from `before`, also invalid ones, which validation then reports.
 */
export function changeSettings(
  node: IConfigurable,
  before: Settings,
  after: Settings
): Edit {
  // An item that was added to a list and has no value yet is null in the file.
  const values: Settings = JSON.parse(JSON.stringify(after));
  const changes = differences(freeSchema(node), before, values, []);
  return compose(
    ...changes.map(({ key, value }) => setSetting(node.stage.id, key, value))
  );
}

interface IDifference {
  key: string[];
  /** Undefined for the default. */
  value: Value | undefined;
}

function differences(
  schema: ISchema,
  before: Settings,
  after: Settings,
  path: string[]
): IDifference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key): IDifference[] => {
    const property: ISchema = schema.properties?.[key] ?? {};
    const [old, value] = [before[key], after[key]];
    if (deepEqual(old, value)) {
      return [];
    }
    const here = [...path, key];
    if (property.properties && isRecord(value)) {
      return differences(property, isRecord(old) ? old : {}, value, here);
    }
    // An empty field is null for a nullable setting, else the default.
    const isNullable = property.anyOf?.some(
      (one: ISchema) => one.type === 'null'
    );
    const next = value === undefined && isNullable ? null : value;
    return deepEqual(next, old)
      ? []
      : [
          {
            key: here,
            value: deepEqual(next, property.default) ? undefined : next
          }
        ];
  });
}
