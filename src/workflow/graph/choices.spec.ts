import { expect, it } from 'vitest';

import type { IComponent } from '../../api/models';
import { parse } from '../document/document';
import { WINE } from '../../__tests__/samples';
import {
  bestLink,
  fittingComponents,
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
