import { describe, expect, it } from 'vitest';

import type { IComponent, ITableColumns } from '../../api/models';
import { parse } from '../document/document';
import { WINE } from '../../__tests__/samples';
import {
  bestLink,
  fittingComponents,
  furtherLinks,
  modelKindOf,
  possibleLinks,
  presetOf,
  readingComponents
} from './choices';
import { buildGraph } from './graph';

function component(
  name: string,
  inputs: [string, string, boolean?][],
  outputs: [string, string][]
): IComponent {
  return {
    name,
    title: name,
    category: '',
    description: '',
    inputs: inputs.map(([port, type, required = true]) => ({
      name: port,
      type,
      required,
      multiple: false,
      description: ''
    })),
    outputs: outputs.map(([port, type]) => ({
      name: port,
      type,
      extension: '',
      description: ''
    })),
    settings: {},
    source: 'library',
    error: null
  } as IComponent;
}

const LIBRARY = [
  component('sample', [['seed', 'File', false]], [['table', 'Table']]),
  component('load_csv', [['file', 'File']], [['table', 'Table']]),
  component('load_table', [['file', 'File']], [['table', 'Table']]),
  component('train_classifier', [['data', 'Table']], [['model', 'Model']]),
  component(
    'evaluate',
    [
      ['model', 'Model'],
      ['data', 'Table']
    ],
    [['metrics', 'Metrics']]
  ),
  component('images', [['folder', 'Folder']], [['table', 'Table']])
];

const GRAPH = buildGraph(
  parse(WINE, 'workflows/wine/dvc.yaml').document!,
  new Map(LIBRARY.map(one => [one.name, one]))
);

it('offers what takes an output, by the port that fits best', () => {
  const found = fittingComponents(GRAPH, LIBRARY, {
    side: 'source',
    node: 'forest',
    port: 'model'
  });
  expect(found.map(one => [one.component.name, one.port])).toEqual([
    ['evaluate', 'model'],
    // A file of any kind is taken as well.
    ['load_csv', 'file'],
    ['load_table', 'file'],
    ['sample', 'seed']
  ]);
});

it('offers what makes an input', () => {
  const found = fittingComponents(GRAPH, LIBRARY, {
    side: 'target',
    node: 'judge',
    port: 'model'
  });
  expect(found.map(one => one.component.name)).toEqual(['train_classifier']);
});

it('offers what reads a file, tables first by what reads tables', () => {
  const names = (path: string): string[] =>
    readingComponents(LIBRARY, path).map(one => one.component.name);
  expect(names('data/a.csv')[0]).toBe('load_table');
  expect(names('data/pictures')).toEqual(['images']);
});

it('lists the connections that may be drawn', () => {
  // Every input of the example is taken: nothing is left to connect.
  expect(possibleLinks(GRAPH, 'load')).toEqual([]);
  const free = buildGraph(
    parse(
      WINE.replace(' --data workflows/wine/out/load.table.parquet', '').replace(
        '    - workflows/wine/out/load.table.parquet   # from load\n',
        '    - x\n'
      ),
      'workflows/wine/dvc.yaml'
    ).document!,
    new Map(LIBRARY.map(one => [one.name, one]))
  );
  const link = {
    source: 'load',
    sourcePort: 'table',
    target: 'forest',
    targetPort: 'data'
  };
  expect(possibleLinks(free, 'load')).toContainEqual(link);
  expect(possibleLinks(free, 'forest')).toContainEqual(link);
  expect(
    bestLink(free, { side: 'source', node: 'load', port: 'table' }, 'forest')
  ).toEqual(link);
});

it('presets the choice that a search means', () => {
  const train = {
    ...component('train_classifier', [], []),
    title: 'Train Classifier',
    settings: {
      properties: {
        scale: { type: 'boolean' },
        algorithm: {
          enum: ['random_forest', 'k_neighbors'],
          default: 'random_forest',
          'x-labels': ['Random forest', 'K-nearest neighbors']
        },
        fill: {
          anyOf: [{ enum: ['mean'], 'x-labels': ['Mean'] }, { type: 'null' }]
        }
      }
    }
  };
  expect(presetOf(train, 'nearest')).toEqual({ algorithm: 'k_neighbors' });
  expect(presetOf(train, 'MEAN')).toEqual({ fill: 'mean' });
  // The default needs no word in the file.
  expect(presetOf(train, 'random forest')).toEqual({});
  expect(presetOf(train, 'train')).toEqual({});
  expect(presetOf(train, '')).toEqual({});
  expect(presetOf(train, 'nothing')).toEqual({});
});

it('offers and connects models of a fitting kind only', () => {
  const withKind = (one: IComponent, kind: string): IComponent => ({
    ...one,
    inputs: one.inputs.map(port => ({ ...port, kinds: [kind] }))
  });
  const [judge, other] = ['classifier', 'regressor'].map(kind => ({
    ...withKind(component('judge', [['model', 'Model']], []), kind),
    name: `judge_${kind}`
  }));
  const library = [
    ...LIBRARY.map(one => ({
      ...one,
      outputs: one.outputs.map(port => ({
        ...port,
        kinds: port.type === 'Model' ? ['classifier'] : []
      }))
    })),
    judge,
    other
  ];
  const graph = buildGraph(
    parse(WINE, 'workflows/wine/dvc.yaml').document!,
    new Map(library.map(one => [one.name, one]))
  );
  const end = { side: 'source' as const, node: 'forest', port: 'model' };
  const names = fittingComponents(graph, library, end).map(
    one => one.component.name
  );
  expect(names).toContain('judge_classifier');
  expect(names).not.toContain('judge_regressor');
});

describe('after a split', () => {
  const grouped = (
    group: string,
    one: IComponent,
    kinds: string[] = []
  ): IComponent => ({
    ...one,
    group,
    outputs: one.outputs.map(port => ({ ...port, kinds }))
  });
  const compare = component(
    'compare',
    [
      ['models', 'Model'],
      ['test', 'Table']
    ],
    []
  );
  compare.inputs[0].multiple = true;
  const library = [
    grouped('Clean', component('clean', [['data', 'Table']], [])),
    grouped(
      'Split',
      component(
        'split',
        [['data', 'Table']],
        [
          ['train', 'Table'],
          ['test', 'Table']
        ]
      )
    ),
    grouped(
      'Train',
      component('classify', [['data', 'Table']], [['model', 'Model']]),
      ['classifier']
    ),
    grouped(
      'Train',
      component('regress', [['data', 'Table']], [['model', 'Model']]),
      ['regressor']
    ),
    grouped('Evaluate', compare)
  ];
  const node = (id: string, name: string, files: string): string =>
    `  ${id}:\n    cmd: jupyter mlws node ${name} ${files}\n    deps: [` +
    `${[...files.matchAll(/--(?:data|models|test) (\S+)/g)].map(one => one[1]).join(', ')}]\n` +
    `    outs: [${[...files.matchAll(/--(?:train|hold|model|out) (\S+)/g)].map(one => one[1]).join(', ')}]\n`;
  const text = [
    'stages:\n',
    node('first', 'split', '--train a --test b --data x').replace(
      'deps: [b, x]\n    outs: [a]',
      'deps: [x]\n    outs: [a, b]'
    ),
    node('one', 'classify', '--model m --data a'),
    node('other', 'classify', '--model n --data a'),
    node('apart', 'classify', '--model o --data x'),
    node('judge', 'compare', '--models m')
  ].join('');
  const graph = buildGraph(
    parse(text, 'dvc.yaml').document!,
    new Map(library.map(one => [one.name, one]))
  );

  it('proposes what learns, for the kind of the target', () => {
    const end = { side: 'source' as const, node: 'first', port: 'train' };
    const names = (kind: string | null): string[] =>
      fittingComponents(graph, library, end, kind).map(
        one => one.component.name
      );
    expect(names(null).slice(0, 2)).toEqual(['classify', 'regress']);
    expect(names('regressor').slice(0, 2)).toEqual(['regress', 'classify']);
    const column = { name: 'y', role: 'target', kind: 'number' };
    expect(
      ['number', 'category', null].map(kind =>
        modelKindOf({
          columns: [{ ...column, kind }]
        } as ITableColumns)
      )
    ).toEqual(['regressor', 'classifier', null]);
    expect(modelKindOf({ columns: [], complete: true })).toBe(null);
  });

  it('connects a comparison with the other models and the test set', () => {
    const first = {
      source: 'one',
      sourcePort: 'model',
      target: 'judge',
      targetPort: 'models'
    };
    expect(furtherLinks(graph, first)).toEqual([
      { ...first, source: 'other' },
      { ...first, source: 'first', sourcePort: 'test', targetPort: 'test' }
    ]);
    // A model trained on a different table is not a neighbor.
    expect(furtherLinks(graph, { ...first, source: 'apart' })).toEqual([]);
  });
});
