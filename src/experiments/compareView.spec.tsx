import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, it } from 'vitest';

import type { IExperimentRun } from '../api/models';
import { CompareTable } from './compareView';

const run = (
  name: string,
  depth: number,
  accuracy: number
): IExperimentRun => ({
  id: null,
  run: name,
  workflow: 'Wine',
  status: 'COMPLETED',
  started: null,
  duration: 1,
  params: { depth, seed: 1 },
  metrics: { accuracy },
  commit: null,
  node: null,
  name: '',
  experiment: null,
  dirty: null,
  inputs: {},
  tags: {},
  title: '',
  kind: 'run',
  source: null,
  parent: null,
  note: '',
  starred: false,
  archived: false,
  deleted: false
});

function table(): HTMLElement {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  const node = document.createElement('div');
  const runs = [run('a', 3, 0.9), run('b', 10, 0.95)];
  act(() => createRoot(node).render(<CompareTable runs={runs} />));
  return node;
}

it('marks the cells that differ', () => {
  const node = table();
  const marked = [...node.querySelectorAll('td.jp-mod-differs')].map(
    cell => cell.textContent
  );
  expect(marked).toEqual(['0.9', '3', '0.95', '10']);
});

it('sorts by a column, and the other way when asked again', () => {
  const node = table();
  const order = () =>
    [...node.querySelectorAll<HTMLElement>('[data-mlws-run]')].map(
      row => row.dataset.mlwsRun
    );
  const accuracy = [...node.querySelectorAll('button')].find(one =>
    one.textContent?.startsWith('accuracy')
  )!;
  act(() => accuracy.click());
  expect(order()).toEqual(['a', 'b']);
  expect(accuracy.closest('th')?.getAttribute('aria-sort')).toBe('ascending');
  act(() => accuracy.click());
  expect(order()).toEqual(['b', 'a']);
});

it('leaves out what is the same when asked', () => {
  const node = table();
  act(() => node.querySelector<HTMLInputElement>('input')?.click());
  expect(node.textContent).not.toContain('seed');
  expect(node.textContent).toContain('depth');
});
