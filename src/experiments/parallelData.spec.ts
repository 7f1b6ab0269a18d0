import { expect, it } from 'vitest';

import type { IExperimentRun } from '../api/models';
import type { IColumn } from './compare';
import { axisOf, brushed, importance, ranks } from './parallelData';

const run = (params: object, metrics: object) =>
  ({ params, metrics }) as unknown as IExperimentRun;
const column = (kind: IColumn['kind'], name: string): IColumn => ({
  kind,
  name,
  differs: true
});
const runs = [
  run({ depth: '3', kind: 'tree', noise: '5' }, { acc: 0.5 }),
  run({ depth: '10', kind: 'forest', noise: '1' }, { acc: 0.9 }),
  run({ depth: '4', kind: 'tree', noise: '1' }, { acc: 0.6 }),
  run({ kind: 'tree' }, {})
];
const depth = axisOf(runs, column('param', 'depth'))!;

it('places each run between the least and the greatest of a column', () => {
  const kind = axisOf(runs, column('param', 'kind'))!;
  expect([
    depth.least,
    depth.most,
    depth.place('10'),
    depth.place(null)
  ]).toEqual(['3', '10', 1, null]);
  expect([kind.place('forest'), kind.place('tree')]).toEqual([0, 1]);
  expect(axisOf(runs, column('param', 'none'))).toBeNull();
});

it('keeps the runs that pass through all marked parts', () => {
  const marked = new Map([['param depth', [0, 0.5] as const]]);
  expect(brushed(runs, [depth], marked)).toEqual([runs[0], runs[2]]);
  expect(brushed(runs, [depth], new Map())).toHaveLength(4);
});

it('ranks parameters by how closely a metric follows them', () => {
  const params = ['noise', 'kind', 'depth'].map(name => column('param', name));
  const found = importance(runs, params, column('metric', 'acc'));
  expect(found.map(one => one.column.name)[0]).toBe('depth');
  expect(found[0].value).toBeCloseTo(1);
  expect(found.every(one => one.value >= 0 && one.value <= 1)).toBe(true);
  expect(ranks([5, 1, 5])).toEqual([1.5, 0, 1.5]);
  // A parameter without another value explains nothing.
  const equal = runs.map(one => run({ depth: 1 }, one.metrics));
  expect(importance(equal, params, column('metric', 'acc'))).toEqual([]);
});
