import { expect, it } from 'vitest';

import type { IComponent } from '../../api/models';
import { parse } from '../document/document';
import { buildGraph } from './graph';
import { keySettings } from './keySettings';

const TRAIN: IComponent = {
  name: 'train',
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
      target: { type: 'string', default: 'target' },
      algorithm: {
        enum: ['forest', 'linear'],
        'x-labels': ['Random forest', 'Logistic regression'],
        default: 'forest'
      },
      depth: {
        title: 'Depth',
        type: 'integer',
        'x-applies-to': { algorithm: ['forest'] }
      },
      columns: { type: 'array', items: { type: 'string' } },
      scale: { title: 'Scale', type: 'boolean', default: false }
    }
  }
};

function settings(
  values: string,
  cmd = 'jupyter mlws node train ${fit}'
): string {
  const text = `vars:\n  - fit: ${values}\nstages:\n  fit:\n    cmd: ${cmd}\n`;
  const document = parse(text).document!;
  const graph = buildGraph(document, new Map([['train', TRAIN]]));
  return keySettings(graph.nodes.get('fit')!, document);
}

it('names the first choice, and what the file says', () => {
  expect(settings('{}')).toBe('Random forest');
  expect(settings('{depth: 6}')).toBe('Random forest, Depth 6');
  expect(settings('{algorithm: linear, depth: 6}')).toBe('Logistic regression');
  expect(settings('{scale: true, columns: [a, b, c, d]}')).toBe(
    'Random forest, a, b, +2, Scale'
  );
});

it('names the program of a node without a component', () => {
  expect(settings('{}', 'python src/fit.py --fast')).toBe('src/fit.py');
  expect(settings('{}', 'sort names.txt')).toBe('sort names.txt');
});
