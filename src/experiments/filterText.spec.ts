import { expect, it } from 'vitest';

import type { IExperimentRun } from '../api/models';
import {
  FilterSyntaxError,
  formatFilter,
  matches,
  parseFilter
} from './filterText';

it('reads what it writes', () => {
  const text =
    "metrics.acc >= 0.9 AND params.`model/kind` = 'forest' AND tags.team LIKE \"o'%\" AND " +
    "attributes.status != 'FAILED' AND params.a IN ('1', 'x AND y') AND tags.b IS NOT NULL";
  const conditions = parseFilter(text);
  expect(conditions).toHaveLength(6);
  expect(conditions[1]).toEqual({
    kind: 'params',
    name: 'model/kind',
    operator: '=',
    value: 'forest'
  });
  expect(formatFilter(conditions)).toBe(text);
  expect(parseFilter(' ')).toEqual([]);
  expect(parseFilter('status=\'FAILED\' and metric."a b" < -1e-3')).toEqual([
    { kind: 'attributes', name: 'status', operator: '=', value: 'FAILED' },
    { kind: 'metrics', name: 'a b', operator: '<', value: '-1e-3' }
  ]);
});

it.each([
  ['metrics.', 'field', 0],
  ['metrics.acc', 'operator', 11],
  ['metrics.acc >', 'value', 13],
  ['metrics.acc > 1 OR', 'and', 16],
  ["params.a = 'x", 'quote', 11],
  ['metrics.acc > 1 AND ', 'field', 20]
])('says where %s is wrong', (text, expected, position) => {
  let error: unknown;
  try {
    parseFilter(text);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(FilterSyntaxError);
  expect(error).toMatchObject({ expected, position });
});

it('compares as MLflow does', () => {
  const run = {
    title: 'v1.0',
    status: 'COMPLETED',
    params: { depth: 10 },
    metrics: { acc: 0.9 },
    tags: {}
  } as unknown as IExperimentRun;
  const test = (text: string) => matches(run, parseFilter(text));
  expect(test("metrics.acc > 0.5 AND params.depth = '10'")).toBe(true);
  expect(test("attributes.run_name ILIKE 'V1%'")).toBe(true);
  expect(test("attributes.run_name LIKE 'V1%'")).toBe(false);
  expect(test("params.depth NOT IN ('10', '11')")).toBe(false);
  expect(test('tags.team IS NULL AND metrics.loss < 1')).toBe(false);
});
