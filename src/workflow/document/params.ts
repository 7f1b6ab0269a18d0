import { isMap, isSeq, LineCounter, parseDocument, type Node } from 'yaml';

import {
  isRecord,
  splitName,
  stageEntry,
  bodyOf,
  type IStage,
  type IWorkflowDocument
} from './document';
import { setInside } from './edits';
import { basename, dirname, join } from './paths';
import { addToMap, entryOf, type ISource } from './ranges';
import type { Value } from './scalars';
import { inOrder, type ISplice } from './splices';

/** DVC's own name for a file of parameters. */
const FILE = 'params.yaml';

/** A file of parameters that a stage reads, and which of them; all where `keys` is null. */
export interface IParamsUse {
  /** From the project's root. */
  path: string;
  keys: string[] | null;
}

/** The files of parameters that a stage depends on, and those with the settings it unpacks. */
export function paramsOf(
  document: IWorkflowDocument,
  stage: IStage
): IParamsUse[] {
  const entry = stageEntry(document.source, stage.id);
  const body = entry && bodyOf(document.source, entry);
  const listed = entryOf(body, 'params')?.value?.toJS(document.source.yaml);
  const uses: IParamsUse[] = [];
  const add = (path: string, keys: string[] | null): void => {
    const known = uses.find(use => use.path === path);
    if (!known) {
      uses.push({ path, keys });
    } else {
      known.keys = known.keys && keys ? [...known.keys, ...keys] : null;
    }
  };
  for (const item of Array.isArray(listed) ? listed : []) {
    if (typeof item === 'string') {
      add(join(stage.folder, FILE), [item]);
    } else if (isRecord(item)) {
      for (const [file, keys] of Object.entries(item)) {
        const names = Array.isArray(keys) ? keys.map(String) : null;
        add(join(stage.folder, file), names);
      }
    }
  }
  const heads = foreignNames(document, stage);
  if (heads.length > 0) {
    const home = dirname(document.path);
    const files = document.varFiles.map(file => file.split(':')[0]);
    add(join(home, files[0] ?? FILE), heads);
  }
  return uses.filter(({ path }) => /\.ya?ml$/.test(basename(path)));
}

/** What templates of a stage name that no variable of this file is. */
function foreignNames(document: IWorkflowDocument, stage: IStage): string[] {
  if (stage.variants.length > 0) {
    return [];
  }
  const text = stage.commands.join('\n');
  const names = [...text.matchAll(/(?<!\\)\$\{\s*([^\s}]+)\s*\}/g)].map(
    match => match[1]
  );
  return [...new Set(names)].filter(
    name => !(splitName(name)[0] in document.vars)
  );
}

export interface IParamsFile {
  source: ISource;
  values: Record<string, Value>;
}

/** Null where the text is no mapping. */
export function readParams(text: string): IParamsFile | null {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const root = yaml.contents as Node | null;
  if (yaml.errors.length > 0 || (root && !isMap(root))) {
    return null;
  }
  const source: ISource = {
    text,
    yaml,
    parts: [],
    baseOf: () => 0,
    eol: /\r\n/.test(text) ? '\r\n' : '\n',
    lineOf: offset => lines.linePos(offset).line,
    step: 2,
    listStep: 2
  };
  const values = root ? (root.toJS(yaml) as Record<string, Value>) : {};
  return { source, values };
}

/** The values at and below some names, each by its dotted name; `null` for all. */
export function valuesAt(
  values: Record<string, Value>,
  keys: readonly string[] | null
): [string, Value][] {
  const found = new Map<string, Value>();
  const walk = (name: string, value: Value): void => {
    if (isRecord(value) && Object.keys(value).length > 0) {
      Object.entries(value).forEach(([key, one]) =>
        walk(name === '' ? key : `${name}.${key}`, one)
      );
    } else if (name !== '') {
      found.set(name, value);
    }
  };
  for (const key of keys ?? ['']) {
    let value: Value | undefined = values;
    for (const part of key === '' ? [] : splitName(key)) {
      value =
        isRecord(value) && part in value
          ? value[part]
          : Array.isArray(value)
            ? value[Number(part)]
            : undefined;
    }
    if (value !== undefined) {
      walk(key, value);
    }
  }
  return [...found];
}

/** Sets one value; nothing else of the file changes. */
export function setParam(
  { source }: IParamsFile,
  name: string,
  value: Value
): ISplice[] {
  const [first, ...rest] = splitName(name);
  const root = source.yaml.contents as Node | null;
  const pair = entryOf(root, first);
  if (!pair) {
    return isMap(root) && root.items.length > 0
      ? inOrder(source.text, [addToMap(source, root as never, first, value, 0)])
      : [];
  }
  const inner = rest
    .slice(0, -1)
    .reduce<Node | null>(
      (node, key) => entryOf(node, key)?.value ?? null,
      pair.value
    );
  if (isSeq(inner)) {
    return []; // Items of lists are edited with the whole list.
  }
  return inOrder(source.text, setInside(source, pair, rest, value));
}

/** What is typed into a field, as the kind of value that stood there; undefined where it is none. */
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

/** How a value stands in a field. */
export function fieldText(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
