import { expect, it } from 'vitest';

import { changesOf } from './changes';

it('lists only what differs, with the difference of metrics', () => {
  const value = (name: string, ...values: (string | number | null)[]) => ({
    name,
    values,
    differs: values[0] !== values[1]
  });
  const changes = changesOf({
    versions: [],
    metrics: [value('acc', 0.5, 0.75), value('loss', null, 1)],
    params: [value('depth', '3', '6'), value('seed', '1', '1')],
    environments: [value('numpy', '1.26', '2.0')]
  });
  expect(changes.map(({ key, delta }) => [key, delta])).toEqual([
    ['metrics.acc', 0.25],
    ['metrics.loss', null],
    ['params.depth', null],
    ['environments.numpy', null]
  ]);
});
