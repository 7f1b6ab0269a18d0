import { expect, it } from 'vitest';

import type { IRunDetail } from '../api/models';
import { fake } from '../__tests__/server';
import { measuredRuns } from './pageSystem';

const part = (node: string, duration: number, ...system_metrics: string[]) => ({
  id: `id of ${node}`,
  title: node,
  node,
  status: 'COMPLETED',
  duration,
  system_metrics
});
const cpu = 'system/cpu_utilization_percentage';

it('shows the nodes that were measured, those that ran longest first', () => {
  const run = fake<IRunDetail>({
    id: 'whole',
    metrics: { accuracy: 1 },
    parts: [
      part('short', 0.5),
      part('train', 20, cpu),
      part('load', 90, cpu)
    ] as IRunDetail['parts']
  });
  expect(measuredRuns(run).map(one => [one.id, one.title])).toEqual([
    ['id of load', 'load'],
    ['id of train', 'train']
  ]);
});

it('shows a script that MLflow has measured', () => {
  const run = fake<IRunDetail>({ id: 'x', metrics: { [cpu]: 3 }, parts: [] });
  expect(measuredRuns(run)).toEqual([run]);
});
