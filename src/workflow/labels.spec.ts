import { expect, it } from 'vitest';

import type { IPlan } from '../api/models';
import { runButtonText } from './labels';

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
  return runButtonText(plan);
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
  expect(runButtonText(null)).toBe('Run');
});
