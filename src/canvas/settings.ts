import { JSONExt } from '@lumino/coreutils';

import type { IStage, IWorkflowDocument } from './document';
import { isRecord, valueAt } from './document';
import { setSetting, settingsPath, compose, type Edit } from './edits';
import type { IGraphNode } from './graph';
import type { Value } from './scalars';

type Schema = Record<string, any>;
export type Settings = Record<string, Value>;

/** What a node's settings are without a word in the file. */
export function defaultsOf(schema: Schema): Settings {
  const defaults: Settings = {};
  for (const [key, property] of Object.entries<Schema>(schema.properties ?? {})) {
    if (property.default !== undefined) {
      defaults[key] = property.default;
    } else if (property.properties) {
      defaults[key] = defaultsOf(property);
    }
  }
  return defaults;
}

/** A node's settings: its entry in `vars` over what its command says over the defaults. */
export function settingsOf(node: IGraphNode, document: IWorkflowDocument): Settings {
  const schema = node.component?.settings ?? {};
  const stored = valueAt(document.vars, settingsPath(node.stage).join('.'));
  const written = node.stage.command?.unpacks.length || isRecord(stored) ? stored : undefined;
  return merge(
    merge(defaultsOf(schema), writtenSettings(node.stage, schema, document)),
    isRecord(written) ? written : {}
  );
}

function merge(base: Settings, over: Settings): Settings {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return merged;
}

/** Settings that stand in the command itself, `--epochs 5`. */
function writtenSettings(stage: IStage, schema: Schema, document: IWorkflowDocument): Settings {
  const settings: Settings = {};
  for (const { name, values } of stage.command?.args ?? []) {
    const property = schema.properties?.[name];
    if (property) {
      settings[name] = readWords(values.map(value => value.text), property, document);
    }
  }
  return settings;
}

function readWords(words: string[], property: Schema, document: IWorkflowDocument): Value {
  const one = (word: string, type: string | undefined): Value => {
    const name = /^\$\{\s*([^}]+?)\s*\}$/.exec(word)?.[1];
    const value = name ? valueAt(document.vars, name) : undefined;
    if (value !== undefined) {
      return value;
    }
    const isNumber = type === 'number' || type === 'integer';
    return isNumber && word.trim() !== '' && Number.isFinite(Number(word)) ? Number(word) : word;
  };
  if (property.type === 'array') {
    return words.map(word => one(word, property.items?.type));
  }
  if (property.type === 'boolean') {
    return words.length === 0 || words[0] === 'true';
  }
  return one(words[0] ?? '', property.type);
}

/** Writes the settings that differ from `before`; those of `wrong` keep what they were. */
export function changeSettings(
  node: IGraphNode,
  before: Settings,
  after: Settings,
  wrong: readonly string[] = []
): Edit {
  const schema = node.component?.settings ?? {};
  const changes = differences(schema, before, after, []);
  const kept = changes.filter(
    ({ key }) => !wrong.some(name => name === key.join('.') || name.startsWith(`${key.join('.')}.`))
  );
  return document =>
    compose(
      document,
      kept.map(
        ({ key, value }): Edit =>
          now => setSetting(now, node.id, key, value)
      )
    );
}

interface IDifference {
  key: string[];
  /** Undefined where the default applies again. */
  value: Value | undefined;
}

function differences(schema: Schema, before: Settings, after: Settings, path: string[]): IDifference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key): IDifference[] => {
    const property: Schema = schema.properties?.[key] ?? {};
    const [old, value] = [before[key], after[key]];
    if (isSame(old, value)) {
      return [];
    }
    const here = [...path, key];
    if (property.properties && isRecord(value)) {
      return differences(property, isRecord(old) ? old : {}, value, here);
    }
    return [{ key: here, value: isSame(value, property.default) ? undefined : value }];
  });
}

function isSame(one: Value | undefined, other: Value | undefined): boolean {
  return one === undefined || other === undefined
    ? one === other
    : JSONExt.deepEqual(one as any, other as any);
}
