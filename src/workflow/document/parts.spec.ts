import { YFile } from '@jupyter/ydoc';
import { describe, expect, it, vi } from 'vitest';
import {
  isCollection,
  isPair,
  isScalar,
  parseDocument,
  type Document
} from 'yaml';

import { type IWorkflowDocument, parse } from './document';
import type { Edit } from './edits';
import { removeNodes } from './nodes';
import { endOf, startOf } from './ranges';
import { FLOW, HAND_WRITTEN, textAfter, WINE } from '../../__tests__/samples';
import { setSetting } from './variables';
import { removeSelected } from '../store/gestures';
import { CanvasModel } from '../store/model';
import * as parts from './parts';

vi.mock('./parts', async importOriginal => {
  const original = await importOriginal<typeof parts>();
  return { ...original, parseParts: vi.fn(original.parseParts) };
});

function read(text: string, before?: IWorkflowDocument): IWorkflowDocument {
  const result = parse(text, 'dvc.yaml', before);
  if (result.error) {
    throw new Error(`${JSON.stringify(result.error)}\n${text}`);
  }
  return result.document;
}

type Source = IWorkflowDocument['source'];

/** Every node of a text with its place; blocks end where the parser thinks. */
function nodesOf(source: Pick<Source, 'yaml' | 'baseOf'>): string[] {
  const nodes: string[] = [];
  const visit = (node: unknown): void => {
    if (isPair(node)) {
      visit(node.key);
      visit(node.value);
    } else if (isScalar(node)) {
      const span = `${startOf(source, node)}-${endOf(source, node)}`;
      nodes.push(`${span} ${node.type} ${JSON.stringify(node.value)}`);
    } else if (isCollection(node)) {
      nodes.push(`${startOf(source, node)} ${node.constructor.name}`);
      node.items.forEach(visit);
    }
  };
  visit(source.yaml.contents);
  return nodes;
}

function expectWhole(document: IWorkflowDocument): void {
  const yaml = parseDocument(document.source.text) as Document.Parsed;
  expect(nodesOf(document.source)).toEqual(nodesOf({ yaml, baseOf: () => 0 }));
}

/** A workflow of layers whose nodes have settings. */
function large(size: number): string {
  const numbers = Array.from({ length: size }, (_, number) => number);
  return [
    'vars:',
    ...numbers.map(n => `- s${n}: {epochs: ${n}, optim: {lr: 0.1}}`),
    'stages:',
    ...numbers.flatMap(n => {
      const file = n < 25 ? 'in.txt' : `out/${n - 25}.txt`;
      return [
        `  s${n}:`,
        `    cmd: jupyter mlws node train --data ${file} --model out/${n}.txt \${s${n}}`,
        `    deps: [${file}]`,
        `    outs: [out/${n}.txt]`
      ];
    }),
    ''
  ].join('\n');
}

describe('parseParts', () => {
  const TEXTS = [
    WINE,
    HAND_WRITTEN,
    FLOW,
    large(30),
    WINE.replace(/\n/g, '\r\n'),
    '# A comment\n\nvars:\n  # one\n  - a: 1\n    b: |\n      x\n\n  - params.yaml\nstages:   # all\n  one:\n    cmd: >-\n      a\n      b\n\n# end\n',
    'stages:\n  a:\n    cmd: x\nparams:\n- p.yaml\n- q.yaml\nvars:\n- a: [1,\n    2]\n'
  ];

  it('places every node where a parser of the whole text does', () => {
    for (const text of TEXTS) {
      expectWhole(read(text));
    }
    expect(read(large(30)).source.parts).toHaveLength(62);
  });

  it('leaves to the whole text what no part tells', () => {
    for (const text of [
      'stages:\n  a: &one\n    cmd: x\n  b: *one\n',
      '---\nstages:\n  a:\n    cmd: x\n',
      '{stages: {a: {cmd: x}}}',
      'stages:\n  "a":\n    cmd: x\n'
    ]) {
      expect(read(text).source.parts).toEqual([]);
    }
    for (const text of [
      'stages:\n  a:\n    cmd: x\n  a:\n    cmd: y\n',
      'stages:\n  a:\n    cmd: x\nstages:\n  b:\n    cmd: y\n',
      'stages:\n  a:\n    cmd: x\n b:\n    cmd: y\n',
      'stages:\n  a:\n    cmd: x\n  b\n',
      'stages:\n  a:\n    cmd: "x\n  b: y"\n'
    ]) {
      expect(parse(text).error).not.toBeNull();
    }
  });

  it('parses again only the entries that an edit changes', () => {
    const edits: [Edit, number][] = [
      [setSetting('s500', ['epochs'], 7), 1],
      [setSetting('s500', ['depth'], 3), 1],
      [removeNodes(new Set(['s30', 's31', 's999'])), 2]
    ];
    let document = read(large(1000));
    for (const [edit, count] of edits) {
      const known = new Set(document.source.parts);
      const text = textAfter(document, edit);
      document = read(text, document);
      const fresh = document.source.parts.filter(part => !known.has(part));
      expect(fresh).toHaveLength(count);
      expectWhole(document);
    }
    expect(document.vars.s500).toEqual({
      epochs: 7,
      optim: { lr: 0.1 },
      depth: 3
    });
  });
});

describe('an edit of a large workflow', () => {
  it('reads the text a fixed number of times, and keeps the stages that stay', () => {
    const reads = vi.mocked(parts.parseParts);
    const file = new YFile();
    file.setSource(large(200));
    const model = new CanvasModel({
      sharedModel: file,
      path: 'dvc.yaml',
      isDirty: false,
      save: async () => undefined,
      asOwn: change => change()
    });
    const stage = model.drawing.graph.nodes.get('s0')!.stage;
    reads.mockClear();
    model.document.edit(setSetting('s100', ['epochs'], 7));
    expect(reads).toHaveBeenCalledTimes(1);
    expect(model.drawing.graph.nodes.get('s0')!.stage).toBe(stage);

    const ids = Array.from({ length: 40 }, (_, number) => `s${60 + number}`);
    model.selection.select(ids);
    reads.mockClear();
    removeSelected(model);
    expect(reads).toHaveBeenCalledTimes(1);
    expect(model.drawing.graph.nodes.size).toBe(160);
    expect(file.getSource()).not.toMatch(/s60\b|out\/60\.txt/);
    model.dispose();
  });

  it('reads a stage again where a variable that it names is another one', () => {
    const text =
      'vars:\n- data: a.csv\n- other: 1\nstages:\n  one:\n    cmd: cat ${data}\n    deps: [ "${data}" ]\n';
    const before = read(text);
    const after = read(text.replace('a.csv', 'b.csv'), before);
    expect(after.stages[0].deps[0].paths).toEqual(['b.csv']);
    const same = read(text.replace('other: 1', 'other: 2'), before);
    expect(same.stages[0]).toBe(read(text, before).stages[0]);
  });
});
