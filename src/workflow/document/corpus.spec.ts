/** A `dvc.yaml` means what tests/corpus says, as for tests/workflows/test_corpus.py. */

import { readFileSync } from 'fs';
import { expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';

import { type IStage, type IWorkflow, parse } from './document';
import { compose, type Edit } from './edits';
import {
  addCommandNode,
  addNode,
  connect,
  disconnect,
  forgetPositions,
  moveNodes,
  removeNodes
} from './nodes';
import { EXTENSIONS } from './ports';
import { print } from './scalars';
import { textAfter } from '../../__tests__/samples';
import type { Data, Value } from './values';
import { setSetting, setTitle } from './variables';

function load<T>(name: string): Record<string, T> {
  return parseYaml(readFileSync(`tests/corpus/${name}.yaml`, 'utf8'));
}

/** Edits, and pieces of the text with what they become. */
type Part = string | Record<string, never>;

interface IGroup {
  path?: string;
  text: string;
  whole?: boolean;
  cases: Record<string, Part[]>;
}

const LAYOUTS: Record<string, (text: string) => string> = {
  'as written': text => text,
  windows: text => text.replace(/\n/g, '\r\n'),
  'no last line end': text => text.replace(/\n$/, '')
};

const EDITS: Record<string, (of: never) => Edit> = {
  setting: ([id, key, value]: [string, string, Value?]) =>
    setSetting(id, [key], value),
  parameter: (settings: Data) =>
    compose(
      ...Object.entries(settings).map(([name, value]) => {
        const [id, ...key] = name.split('.');
        return setSetting(id, key, value);
      })
    ),
  move: ([id, at]: [string, [number, number] | null]) =>
    at ? moveNodes(new Map([[id, at]])) : forgetPositions,
  title: setTitle,
  connect: ([source, path, target, port]: string[]) =>
    connect({ source, path, target, port }),
  disconnect: ([, path, target, port]: string[]) =>
    disconnect({ path, target, port }),
  add: ({
    outputs,
    type,
    ...node
  }: Parameters<typeof addCommandNode>[0] & {
    type: string;
    outputs: Record<string, string>;
  }) =>
    node.cmd
      ? addCommandNode(node)
      : addNode({
          ...node,
          component: type,
          outputs: Object.entries(outputs).map(([name, type]) => ({
            name,
            type,
            extension: EXTENSIONS[type]
          }))
        }),
  remove: (id: string) => removeNodes(new Set([id])),
  set: (of: [string[], Value]) => now => withValue(now.data, ...of) as Data,
  unset: (of: [string[]]) => now => withValue(now.data, ...of) as Data
};

function withValue(data: Value, path: string[], ...to: Value[]): Value {
  const [key, ...rest] = path;
  const copy = (
    Array.isArray(data) ? [...data] : { ...(data as Data) }
  ) as Data;
  if (rest.length + to.length > 0) {
    copy[key] = rest.length > 0 ? withValue(copy[key], rest, ...to) : to[0];
  } else {
    delete copy[key];
  }
  return copy;
}

const CASES = Object.values(load<IGroup>('edits')).flatMap(group =>
  Object.entries(group.cases).flatMap(([name, parts]) =>
    Object.keys(LAYOUTS).map(layout => ({ name, layout, parts, ...group }))
  )
);

it.each(CASES)('edits: $name, $layout', ({ path, text, whole, ...one }) => {
  const layout = LAYOUTS[one.layout];
  const pieces = one.parts.filter(part => typeof part === 'string');
  let target = text;
  for (let index = 0; index < pieces.length; index += 2) {
    const around = target.split(pieces[index]);
    expect(around).toHaveLength(2);
    target = around.join(pieces[index + 1]);
  }
  const after = one.parts
    .slice(0, one.parts.length - pieces.length)
    .flatMap(edit => Object.entries(edit))
    .reduce(
      (now, [kind, of]) =>
        textAfter(parse(now, path).document!, EDITS[kind](of as never)),
      layout(text)
    );
  target = layout(target);
  expect(after).toBe(whole ? target.replace(/\n?$/, '\n') : target);
});

it('prints values', () => {
  for (const [value, alone, inside = alone] of Object.values(
    load<[Value, string, string?][]>('scalars')
  ).flat()) {
    expect(print(value, typeof value !== 'string')).toBe(alone);
    expect(print(value)).toBe(inside);
  }
});

/** Facts that the cases call by another name, or tell in another way. */
const MEANINGS: Record<string, (stage: IStage, of: IWorkflow) => unknown> = {
  folder: ({ folder }) => folder || '.',
  deps: ({ deps }) => deps.flatMap(dep => dep.paths),
  outs: ({ outs }) => outs.flatMap(out => out.paths),
  metrics: ({ outs }) =>
    outs.filter(out => out.list === 'metrics').flatMap(out => out.paths),
  options: ({ command }) => {
    const options: Record<string, string[]> = {};
    for (const { name, values } of command?.args ?? []) {
      (options[name] ??= []).push(...values.map(value => value.text));
    }
    return options;
  },
  settings: ({ id, command }, { vars }) =>
    command?.unpacks.some(one => one.name === id) ? vars[id] : {}
};

interface IReading {
  path?: string;
  text: string;
  title?: string;
  line?: number;
  stages: Record<string, Record<string, unknown>>;
}

it.each(Object.entries(load<IReading>('reading')))('reads %s', (_, one) => {
  const { document, error } = parse(one.text, one.path);
  expect(error?.line).toBe(one.line);
  if (!document) {
    return;
  }
  const { title, stages } = document;
  expect(title).toBe(one.title ?? title);
  expect(stages.map(({ id }) => id)).toEqual(Object.keys(one.stages));
  for (const stage of stages) {
    for (const [key, value] of Object.entries(one.stages[stage.id])) {
      const read = MEANINGS[key]?.(stage, document) ?? stage[key as 'id'];
      // Of a sweep the editor knows the files by lists, the server by variants.
      const isSet = key === 'outs' && Array.isArray(read);
      expect(isSet ? read.sort() : read).toEqual(
        isSet ? (value as string[]).sort() : value
      );
    }
  }
});
