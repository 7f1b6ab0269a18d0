import { YFile } from '@jupyter/ydoc';
import { expect, it } from 'vitest';

import { CanvasModel } from '../store/model';
import { toEdges } from './nodes';

const stage = (name: string, deps: string[], outs: string[]): string => `
  ${name}:
    cmd: python ${name}.py
    deps: [${deps.join(', ')}]
    outs: [${outs.join(', ')}]`;

function labels(text: string): [string, string, string | null][] {
  const file = new YFile();
  file.setSource(text);
  const model = new CanvasModel({
    sharedModel: file,
    path: 'dvc.yaml',
    isDirty: false,
    save: async () => undefined,
    asOwn: change => change()
  });
  const edges = toEdges(model, []);
  model.dispose();
  return edges.map(({ sourceHandle, target, data }) => [
    sourceHandle!,
    target,
    data!.rows
  ]);
}

const SPLIT = stage('split', [], ['train.csv', 'test.csv']);

it('numbers each output once at its port where edges lie close together', () => {
  const text = `stages:${SPLIT}${stage('judge', ['train.csv', 'test.csv'], [])}`;
  expect(labels(text).map(([port, , rows]) => [port, rows])).toEqual([
    ['train.csv', 'output'],
    ['test.csv', 'output']
  ]);
});

it('numbers an output once for all edges into a collapsed frame', () => {
  const frame = '{title: Models, nodes: [forest, linear], collapsed: true}';
  const models = ['forest', 'linear']
    .map(name => stage(name, ['train.csv'], []))
    .join('');
  const text = `vars:
- workflow: {frames: [${frame}]}
stages:${SPLIT}${models}${stage('plot', ['test.csv'], [])}
`;
  expect(labels(text)).toEqual([
    ['train.csv', 'frames:0', 'output'],
    ['train.csv', 'frames:0', null],
    ['test.csv', 'plot', 'middle']
  ]);
});
