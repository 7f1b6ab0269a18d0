import { describe, expect, it } from 'vitest';

import { copyNodes, pasteNodes, readClip } from './clipboard';
import { type IWorkflowDocument, parse } from './document';
import { removeNodes } from './nodes';
import { dataOf } from './notes';
import { HAND_WRITTEN, textAfter, WINE } from '../../__tests__/samples';

const PATH = 'workflows/wine/dvc.yaml';

function read(text: string, path = PATH): IWorkflowDocument {
  const { document, error } = parse(text, path);
  if (error) {
    throw new Error(JSON.stringify(error) + text);
  }
  return document;
}

function paste(
  text: string,
  clip: ReturnType<typeof copyNodes>,
  path = PATH
): string {
  const document = read(text, path);
  const { edit } = pasteNodes(document, clip, { x: 5, y: 6 });
  const after = textAfter(document, edit);
  read(after, path);
  return after;
}

describe('copying and pasting', () => {
  it('takes data along to another file, and has it once', () => {
    const clip = copyNodes(
      read(WINE),
      new Set(['load', 'data:data/wine.csv']),
      new Map([
        ['load', { x: 300, y: 0 }],
        ['data:data/wine.csv', { x: 100, y: 20 }]
      ])
    );
    const given = readClip(JSON.stringify(clip))!;
    const other = 'workflows/other/dvc.yaml';
    const after = paste('stages: {}\n', given, other);
    expect(dataOf(read(after, other))).toEqual([
      { path: 'data/wine.csv', at: [5, 26] }
    ]);
    expect(read(after, other).stages[0].deps[0].raw).toBe('data/wine.csv');
    const again = paste(after, { ...given, nodes: [] }, other);
    expect(again).toBe(after);
  });

  it('refuses data without a place', () => {
    const clip = { mlws: 'nodes', path: 'a', vars: {}, nodes: [] };
    expect(readClip(JSON.stringify(clip))).toBeNull();
    const data = [{ path: 'a.csv' }];
    expect(readClip(JSON.stringify({ ...clip, data }))).toBeNull();
  });

  it('gives copies files, settings and connections of their own', () => {
    const clip = copyNodes(
      read(WINE),
      new Set(['load', 'forest']),
      new Map([
        ['load', { x: 0, y: 0 }],
        ['forest', { x: 200, y: 10 }]
      ])
    );
    const after = paste(WINE, clip);
    expect(after.startsWith(WINE.slice(0, WINE.indexOf('stages:') - 1))).toBe(
      true
    );
    const { stages, vars } = read(after);
    expect(stages.map(stage => stage.id)).toEqual([
      'load',
      'forest',
      'judge',
      'load_2',
      'forest_2'
    ]);
    expect(vars.forest_2).toEqual(vars.forest);
    const [load, forest] = stages.slice(3);
    expect(load.outs[0].raw).toBe('workflows/wine/out/load_2.table.parquet');
    expect(load.deps[0].raw).toBe('data/wine.csv');
    expect(forest.deps[0].raw).toBe(load.outs[0].raw);
    expect(forest.commands[0]).toBe(
      'jupyter mlws node train_classifier --data workflows/wine/out/load_2.table.parquet --model workflows/wine/out/forest_2.model.skops ${forest_2}'
    );
    expect(load.at).toEqual([5, 6]);
    expect(forest.at).toEqual([205, 16]);
  });

  it('moves to the folder of another file', () => {
    const clip = copyNodes(read(WINE), new Set(['load']), new Map());
    const after = paste('stages: {}\n', clip, 'workflows/tea/dvc.yaml');
    const [load] = read(after, 'workflows/tea/dvc.yaml').stages;
    expect(load.folder).toBe('');
    expect(load.outs[0].raw).toBe('workflows/tea/out/load.table.parquet');
    expect(load.commands[0]).toContain(
      '--table workflows/tea/out/load.table.parquet'
    );
    const deep = paste('stages: {}\n', clip, 'dvc.yaml');
    expect(read(deep, 'dvc.yaml').stages[0].folder).toBe('');
  });

  it('puts what was cut back as it was', () => {
    const document = read(WINE);
    const clip = copyNodes(document, new Set(['judge']), new Map(), true);
    const without = textAfter(document, removeNodes(new Set(['judge'])));
    const judge = read(paste(without, clip)).stages[2];
    expect(judge.id).toBe('judge');
    expect(judge.outs).toEqual(document.stages[2].outs);
    expect(judge.args).toEqual(document.stages[2].args);
  });

  it('copies sweeps and commands of several lines', () => {
    const document = read(HAND_WRITTEN, 'dvc.yaml');
    const ids = new Set(['prepare', 'train', 'compare']);
    const clip = copyNodes(document, ids, new Map());
    const { stages } = read(paste(HAND_WRITTEN, clip, 'dvc.yaml'), 'dvc.yaml');
    const [prepare, train, compare] = stages.slice(3);
    expect(prepare.outs[0].paths).toEqual(['data/clean_2']);
    expect(train.variants).toEqual(['svm', 'forest']);
    expect(train.deps[0].raw).toBe('data/clean_2/part.csv');
    expect(train.outs[0].raw).toBe('models/${item}_2.pkl');
    expect(compare.commands).toEqual([
      'python compare.py ${item.metric}',
      'echo done'
    ]);
  });

  it('takes nothing else for nodes', () => {
    for (const text of ['', 'x', '[]', '{"mlws": "nodes"}', '1', 'null']) {
      expect(readClip(text)).toBeNull();
    }
  });
});
