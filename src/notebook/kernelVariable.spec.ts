import { expect, it, vi } from 'vitest';

import { APIError } from '../api/client';
import { KernelVariable } from './kernelVariable';

const REQUEST = {
  offset: 0,
  limit: 2,
  sort: null,
  descending: false,
  filters: []
};

const pageOf = (...rows: unknown[][]) => ({
  columns: [{ name: 'a', dtype: 'int64' }],
  rows,
  row_count: rows.length
});

const busy = () => new APIError(409, { code: '20105', message: 'busy' });

it('says that rows have changed only if they are other ones after a cell', async () => {
  const post = vi.fn();
  const variable = new KernelVariable(post);
  const table = variable.table([], []);
  post.mockResolvedValue(pageOf([1]));
  await table.page(REQUEST);
  variable.expire();
  await table.page(REQUEST);
  expect(variable.hasChanged.value).toBe(false);
  variable.expire();
  post.mockResolvedValue(pageOf([2]));
  await table.page({ ...REQUEST, offset: 200 });
  expect(variable.hasChanged.value).toBe(false);
  await table.page(REQUEST);
  expect(variable.hasChanged.value).toBe(true);
  variable.expire();
  expect(variable.hasChanged.value).toBe(false);
});

it('asks a busy kernel again, until the answer is of no use any more', async () => {
  const post = vi.fn().mockRejectedValueOnce(busy());
  const variable = new KernelVariable(post, 1);
  const states: boolean[] = [];
  variable.isBusy.changed.connect((_, isBusy) => void states.push(isBusy));
  post.mockResolvedValueOnce(pageOf([1]));
  await variable.table([], []).page(REQUEST);
  expect(states).toEqual([true, false]);
  post.mockRejectedValue(busy());
  const answer = variable.items([], 0, 10);
  variable.dispose();
  await expect(answer).rejects.toThrow('busy');
  expect(post).toHaveBeenCalledTimes(3);
});

it('passes other errors on', async () => {
  const post = vi.fn().mockRejectedValue(new APIError(404, { code: '20401' }));
  await expect(
    new KernelVariable(post).table([], []).statistics('a')
  ).rejects.toThrow();
  expect(post).toHaveBeenCalledWith('statistics', {
    path: [],
    indices: [],
    column: 'a'
  });
});
