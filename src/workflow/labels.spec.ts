import { nullTranslator } from '@jupyterlab/translation';
import { expect, it } from 'vitest';

import type { IPlan } from '../api/models';
import { runButtonText, settingErrorText } from './labels';

const trans = nullTranslator.load('jupyter_mlws');

function text(
  summary: Partial<IPlan['summary']>,
  rest: Partial<IPlan> = {}
): string {
  const plan: IPlan = {
    nodes: [],
    summary: { run: 0, cached: 0, restorable: 0, cosmetic: 0, ...summary },
    jobs: 2,
    estimate_seconds: null,
    without_estimate: 0,
    ...rest
  };
  return runButtonText(plan, trans);
}

it('counts the nodes of a run and estimates its time', () => {
  expect(text({ run: 3 }, { estimate_seconds: 9 })).toBe(
    'Run 3 nodes · ~9.0 s'
  );
  expect(text({ run: 1 })).toBe('Run 1 node');
});

it('says that a time is of some of the nodes', () => {
  expect(
    text({ run: 3 }, { estimate_seconds: 75.2, without_estimate: 2 })
  ).toBe('Run 3 nodes · ≥ 1:15 min');
});

it('says that nothing is to be done', () => {
  expect(text({ cached: 4 })).toBe('Everything is up to date');
  expect(text({ cached: 4, restorable: 2 })).toBe('Restore 2 nodes');
  expect(runButtonText(null, trans)).toBe('Run');
});

it('says which values a setting may have', () => {
  const schema = {
    properties: {
      share: { exclusiveMinimum: 0, maximum: 1 },
      test: { exclusiveMinimum: 0, exclusiveMaximum: 1 },
      depth: { minimum: 1 },
      sizes: { items: { minimum: 4, maximum: 1024 } }
    }
  };
  const words = (path: string): string => {
    const schemaPath = `#/properties/${path}`;
    const name = path.split('/').pop();
    return settingErrorText({ name, schemaPath }, schema, trans);
  };
  expect(
    ['share/maximum', 'test/exclusiveMinimum', 'depth/minimum'].map(words)
  ).toEqual([
    'Must be greater than 0 and at most 1',
    'Must be greater than 0 and less than 1',
    'Must be at least 1'
  ]);
  expect(words('sizes/items/maximum')).toBe('Must be between 4 and 1024');
});
