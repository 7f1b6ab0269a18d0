import { expect, it } from 'vitest';

import type { IComponent } from '../../api/models';
import { parse } from '../document/document';
import { buildGraph } from './graph';
import { modelTitles } from './modelTitles';

const TRAIN: IComponent = {
  name: 'train_classifier',
  title: 'Train Classifier',
  category: 'Train',
  description: '',
  inputs: [],
  outputs: [],
  source: 'library',
  path: null,
  error: null,
  columns: null,
  settings: {
    properties: {
      algorithm: {
        enum: ['forest', 'linear'],
        'x-labels': ['Random forest', 'Logistic regression'],
        default: 'forest'
      },
      depth: {
        title: 'Depth',
        type: 'integer',
        'x-applies-to': { algorithm: ['forest'] }
      }
    }
  }
};

function titles(settings: Record<string, string>): Record<string, string> {
  const names = Object.keys(settings);
  const vars = names.map(name => `  - ${name}: ${settings[name]}`);
  const stages = names.map(
    name =>
      `  ${name}:\n    cmd: jupyter mlws node train_classifier \${${name}}`
  );
  const text = ['vars:', ...vars, 'stages:', ...stages, ''].join('\n');
  const document = parse(text).document!;
  const graph = buildGraph(document, new Map([[TRAIN.name, TRAIN]]));
  return Object.fromEntries(modelTitles(graph, document));
}

it('names models without a name of their own after their algorithm', () => {
  expect(
    titles({
      train_classifier: '{algorithm: linear}',
      train_classifier_2: '{depth: 6}',
      mine: '{}'
    })
  ).toEqual({
    train_classifier: 'Logistic regression',
    train_classifier_2: 'Random forest'
  });
});

it('tells models of the same algorithm apart by their settings', () => {
  expect(
    titles({
      train_classifier: '{depth: 3}',
      train_classifier_2: '{depth: 6}',
      train_classifier_3: '{}'
    })
  ).toEqual({
    train_classifier: 'Random forest (Depth 3)',
    train_classifier_2: 'Random forest (Depth 6)',
    train_classifier_3: 'Random forest'
  });
});
