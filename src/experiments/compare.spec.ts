import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { IExperimentRun } from '../api/models';
import { columnsOf, sortRuns } from './compare';

const run = (name: string, params: object, metrics: object) =>
  ({ run: name, params, metrics }) as IExperimentRun;

const runs = [
  run('a', { depth: 3, seed: 1 }, { accuracy: 0.9 }),
  run('b', { depth: 10, seed: 1 }, { accuracy: 0.95 }),
  run('c', { seed: 1 }, {})
];

it('marks what differs and shows it first', () => {
  expect(columnsOf(runs)).toEqual([
    { kind: 'metric', name: 'accuracy', differs: true },
    { kind: 'param', name: 'depth', differs: true },
    { kind: 'param', name: 'seed', differs: false }
  ]);
});

it('sorts numbers by size, and runs without a value last both ways', () => {
  const column = columnsOf(runs)[1];
  const order = (descending: boolean) =>
    sortRuns(runs, { column, descending }).map(one => one.run);
  expect(order(false)).toEqual(['a', 'b', 'c']);
  expect(order(true)).toEqual(['b', 'a', 'c']);
});

it('loses and invents no run, whatever the values', () => {
  const value = fc.oneof(
    fc.double(),
    fc.string(),
    fc.boolean(),
    fc.constant(null)
  );
  fc.assert(
    fc.property(fc.array(value), fc.boolean(), (values, descending) => {
      const many = values.map((one, index) =>
        run(String(index), { p: one }, {})
      );
      const column = { kind: 'param' as const, name: 'p', differs: true };
      const sorted = sortRuns(many, { column, descending });
      expect([...sorted].map(one => one.run).sort()).toEqual(
        many.map(one => one.run).sort()
      );
    })
  );
});
