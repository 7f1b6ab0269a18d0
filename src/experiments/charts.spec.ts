import { expect, it } from 'vitest';

import { isNumeric, numberOf, runLabels, scatterSpec } from './charts';
import type { IColumn } from './compare';
import type { IExperimentRun } from '../api/models';

const colours = { text: 'black', grid: 'silver', background: 'white' };
const run = (id: string, name: string, params: object, metrics: object) =>
  ({
    id,
    run: id,
    name,
    node: null,
    workflow: null,
    params,
    metrics
  }) as unknown as IExperimentRun;
const runs = [
  run('1', 'a', { depth: '3', kind: 'tree' }, { acc: 0.5 }),
  run('2', 'a', { depth: '10', kind: 'forest' }, { acc: 0.9 }),
  run('3', 'b', { kind: 'tree' }, {})
];
const column = (kind: IColumn['kind'], name: string): IColumn => ({
  kind,
  name,
  differs: true
});

it('takes numbers that are kept as text for numbers, and words for words', () => {
  expect(isNumeric(runs, column('param', 'depth'))).toBe(true);
  expect(isNumeric(runs, column('param', 'kind'))).toBe(false);
  expect([
    numberOf('1e3'),
    numberOf(''),
    numberOf('x'),
    numberOf(true)
  ]).toEqual([1000, null, undefined, undefined]);
});

it('tells runs of one name apart', () => {
  expect([...runLabels(runs).values()]).toEqual(['a 1', 'a 2', 'b']);
});

it('sets numbers on scales and words side by side', () => {
  const spec = scatterSpec(
    runs,
    column('param', 'kind'),
    column('metric', 'acc'),
    null,
    colours
  );
  expect([spec.encoding.x.type, spec.encoding.y.type]).toEqual([
    'nominal',
    'quantitative'
  ]);
  expect(spec.data.values[2]).toEqual({
    run: 'b',
    x: 'tree',
    y: null,
    colour: 'b'
  });
});
