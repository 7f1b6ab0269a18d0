import { expect, it } from 'vitest';

import type { IMetricChange } from '../api/models';
import { certaintyTexts, intervalText, rivalsOf } from './certainty';

it('shows limits with the digits that tell', () => {
  expect(intervalText({ low: 0.768, high: 0.861 })).toBe('(0.77–0.86)');
  expect(intervalText({ low: 1203.4, high: 1310 })).toBe('(1,203–1,310)');
  expect(intervalText({ low: null, high: null })).toBe('');
});

it('says which models are as good, and which rows were known', () => {
  const model = 'forest';
  const rows = 58;
  expect(
    certaintyTexts({ model, rows, rivals: ['linear'], repeated: 7 })
  ).toEqual([
    'forest does not differ significantly from linear on 58 rows.',
    '7 of 58 test rows are also training rows: remove them before the split, unless they are different cases.'
  ]);
  expect(certaintyTexts({ model, rows, rivals: [] })).toEqual([]);
});

it('finds the models that chance could have made worse', () => {
  const change = (model: string, p_value: number | null): IMetricChange => ({
    node: 'compare',
    model,
    metric: 'accuracy',
    mode: 'max',
    value: 1,
    previous: null,
    low: null,
    high: null,
    rows: 58,
    p_value,
    repeated: null
  });
  const changes = [
    change('forest', 1),
    change('linear', 0.3),
    change('guess', 0.01),
    change('other', null)
  ];
  expect(rivalsOf(changes, 'compare', 'forest')).toEqual(['linear']);
  expect(rivalsOf(changes, 'elsewhere', 'forest')).toEqual([]);
});
