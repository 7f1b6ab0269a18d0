import { isMap, LineCounter, parseDocument, type Node } from 'yaml';

import { bodyOf, type IStage, type IWorkflow, stagesOf } from './document';
import { basename, dirname, join } from './paths';
import type { IParsedText } from './ranges';
import { reconcile } from './reconcile';
import { splitName, valueAt } from './templates';
import type { ITextEdit } from './textEdits';
import { type Data, isRecord, setIn, type Value } from './values';

/** DVC's default file of parameters. */
const FILE = 'params.yaml';

/** Parameter file of a stage, and the keys that it reads; `null` for all. */
export interface IParamsUse {
  /** From the project's root. */
  path: string;
  keys: string[] | null;
}

/** The parameter files of a stage, and those with its unpacked settings. */
export function paramsOf(workflow: IWorkflow, stage: IStage): IParamsUse[] {
  const { params } = bodyOf(stagesOf(workflow.data)[stage.id] as Data);
  const uses: IParamsUse[] = [];
  const add = (path: string, keys: string[] | null): void => {
    const use = uses.find(one => one.path === path);
    if (!use) {
      uses.push({ path, keys });
    } else {
      use.keys = use.keys && keys ? [...use.keys, ...keys] : null;
    }
  };
  for (const item of Array.isArray(params) ? params : []) {
    if (typeof item === 'string') {
      add(join(stage.folder, FILE), [item]);
    } else if (isRecord(item)) {
      for (const [file, keys] of Object.entries(item)) {
        const names = Array.isArray(keys) ? keys.map(String) : null;
        add(join(stage.folder, file), names);
      }
    }
  }
  const heads = foreignNames(workflow, stage);
  if (heads.length > 0) {
    const home = dirname(workflow.path);
    const files = workflow.varFiles.map(file => file.split(':')[0]);
    add(join(home, files[0] ?? FILE), heads);
  }
  return uses.filter(({ path }) => /\.ya?ml$/.test(basename(path)));
}

/** Names in a stage's templates that no variable of this file defines. */
function foreignNames(workflow: IWorkflow, stage: IStage): string[] {
  if (stage.variants.length > 0) {
    return [];
  }
  const text = stage.commands.join('\n');
  const names = [...text.matchAll(/(?<!\\)\$\{\s*([^\s}]+)\s*\}/g)].map(
    match => match[1]
  );
  return [...new Set(names)].filter(
    name => !(splitName(name)[0] in workflow.vars)
  );
}

interface IParamsFile {
  source: IParsedText;
  values: Data;
}

/** Null if the text is not a mapping. */
export function readParams(text: string): IParamsFile | null {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const root = yaml.contents as Node | null;
  if (yaml.errors.length > 0 || (root && !isMap(root))) {
    return null;
  }
  const source: IParsedText = {
    text,
    yaml,
    parts: [],
    baseOf: () => 0,
    eol: /\r\n/.test(text) ? '\r\n' : '\n',
    lineOf: offset => lines.linePos(offset).line,
    step: 2,
    listStep: 2
  };
  const values = root ? (root.toJS(yaml) as Data) : {};
  return { source, values };
}

/** The values at and below some names, each by its dotted name; `null` for all. */
export function valuesAt(
  values: Data,
  keys: readonly string[] | null
): [string, Value][] {
  const entries = new Map<string, Value>();
  const walk = (name: string, value: Value): void => {
    if (isRecord(value) && Object.keys(value).length > 0) {
      Object.entries(value).forEach(([key, one]) =>
        walk(name === '' ? key : `${name}.${key}`, one)
      );
    } else if (name !== '') {
      entries.set(name, value);
    }
  };
  for (const key of keys ?? ['']) {
    const value = key === '' ? values : valueAt(values, key);
    if (value !== undefined) {
      walk(key, value);
    }
  }
  return [...entries];
}

/** Sets a value; the rest of the file stays unchanged. */
export function setParam(
  { source, values }: IParamsFile,
  name: string,
  value: Value
): ITextEdit[] {
  const keys = splitName(name);
  const holder = keys
    .slice(0, -1)
    .reduce<Value | undefined>(
      (inner, key) => (isRecord(inner) ? inner[key] : inner),
      values
    );
  // Items of lists are edited with the whole list.
  return Array.isArray(holder)
    ? []
    : reconcile(source, values, setIn(values, keys, value), 0);
}

/** Parses a field as the type of its earlier value; undefined if invalid. */
export function typedValue(text: string, before: Value): Value | undefined {
  if (typeof before === 'string') {
    return text;
  }
  try {
    const value = parseDocument(text).toJS() as Value;
    if (typeof before === 'number') {
      return typeof value === 'number' ? value : undefined;
    }
    if (Array.isArray(before)) {
      return Array.isArray(value) ? value : undefined;
    }
    return value ?? null;
  } catch {
    return undefined; // An alias to nothing.
  }
}

/** Formats a value for a field. */
export function fieldText(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
