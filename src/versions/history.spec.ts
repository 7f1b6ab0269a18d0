import { expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../__tests__/server';
import { APIError } from '../api';
import { HistoryModel } from './history';

async function setUp() {
  const wire = new Wire();
  wire.answers['GET /snapshots'] = (_: unknown, url: URL) => {
    const cursor = url.searchParams.get('cursor');
    return cursor
      ? { items: [{ id: 'old' }], next_cursor: null }
      : { items: [{ id: 'new' }], next_cursor: 'c1' };
  };
  const client = wire.client();
  client.project = project;
  const model = new HistoryModel(client, client.stream('/workspace/status'), [
    'history'
  ]);
  model.active = true;
  await settle();
  return { wire, model };
}

it('shows older snapshots when asked', async () => {
  const { model } = await setUp();
  expect(model.hasMore).toBe(true);
  await model.more();
  expect(model.items.map(item => item.id)).toEqual(['new', 'old']);
  expect(model.hasMore).toBe(false);
});

it('sends the filter as a search', async () => {
  const { wire, model } = await setUp();
  model.filter = 'wine';
  await settle();
  expect(wire.requests.at(-1)?.url.searchParams.get('q')).toBe('wine');
});

it('expands a snapshot, or tells why it cannot', async () => {
  const { wire, model } = await setUp();
  wire.answers['GET /snapshots/new'] = { id: 'new', changes: [] };
  wire.answers['GET /snapshots/gone'] = () => failure(404, '30404', 'Gone.');
  await model.toggle('new');
  await model.toggle('gone');
  expect(model.expanded.get('new')).toEqual({ id: 'new', changes: [] });
  expect(model.expanded.get('gone')).toBeInstanceOf(APIError);
  await model.toggle('new');
  expect(model.expanded.has('new')).toBe(false);
});
