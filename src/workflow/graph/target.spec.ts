import { expect, it } from 'vitest';

import type { IComponent } from '../../api/models';
import { parse } from '../document/document';
import { buildGraph, type IGraph } from './graph';
import { inheritedTarget } from './target';

const columns = { port: 'data', required: true };

function component(name: string, settings: IComponent['settings']): IComponent {
  const port = { description: '', required: true, multiple: false };
  return {
    name,
    title: name,
    category: '',
    description: '',
    inputs: [{ ...port, name: 'data', type: 'Table' }],
    outputs: [{ name: 'table', type: 'Table', extension: '', description: '' }],
    settings,
    source: 'library',
    path: null,
    error: null,
    columns: null
  };
}

const LIBRARY = new Map(
  [
    component('sort', {}),
    component('train', {
      properties: {
        target: {
          anyOf: [{ type: 'string' }, { type: 'null' }],
          default: null,
          'x-columns': columns
        }
      }
    }),
    component('score', {
      properties: {
        target: { type: 'string', default: 'target', 'x-columns': columns }
      }
    })
  ].map(one => [one.name, one])
);

function stage(id: string, kind: string, data: string): string {
  return (
    `  ${id}:\n    cmd: jupyter mlws node ${kind} --data ${data} --table ${id} \${${id}}\n` +
    `    deps: [${data}]\n    outs: [${id}]\n`
  );
}

const TEXT =
  'vars:\n  - forest: {target: churn}\n  - other: {target: price}\nstages:\n' +
  stage('clean', 'sort', 'a.csv') +
  stage('forest', 'train', 'clean') +
  stage('linear', 'train', 'clean') +
  stage('compare', 'score', 'linear') +
  stage('other', 'score', 'b.csv') +
  stage('alone', 'train', 'c.csv');
const workflow = parse(TEXT, 'dvc.yaml').document!;
const graph: IGraph = buildGraph(workflow, LIBRARY);
const inherited = (start: string, node: string): string | undefined =>
  inheritedTarget(graph, workflow, start, graph.nodes.get(node)!);

it('is the target that the nearest node chose, upstream or beside', () => {
  expect(inherited('clean', 'linear')).toBe('churn');
  expect(inherited('linear', 'compare')).toBe('churn');
  // Of a node that is to be added.
  expect(inheritedTarget(graph, workflow, 'clean', LIBRARY.get('score')!)).toBe(
    'churn'
  );
});

it('is none where a node has one, needs none, or nothing is near', () => {
  expect(inherited('clean', 'other')).toBeUndefined();
  expect(inherited('forest', 'clean')).toBeUndefined();
  expect(inherited('alone', 'compare')).toBeUndefined();
});
