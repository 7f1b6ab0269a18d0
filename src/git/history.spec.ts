import { expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../__tests__/server';
import { APIError } from '../api/client';
import { HistoryModel } from './history';

const item = (id: string) => ({ id, parents: [] });

async function setUp() {
  const wire = new Wire();
  wire.answers['GET /snapshots'] = (_: unknown, url: URL) => {
    const cursor = url.searchParams.get('cursor');
    return cursor
      ? { items: [item('old')], next_cursor: null }
      : { items: [item('new')], next_cursor: 'c1' };
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

it('keeps older pages below new snapshots, and drops those of another branch', async () => {
  const { wire, model } = await setUp();
  await model.more();
  const top = (...ids: string[]) => {
    wire.answers['GET /snapshots'] = {
      items: ids.map(item),
      next_cursor: 'c2'
    };
    return model.refresh();
  };
  await top('newest', 'new');
  expect(model.items.map(one => one.id)).toEqual(['newest', 'new', 'old']);
  expect(model.hasMore).toBe(false);
  await top('other', 'old');
  expect(model.items.map(one => one.id)).toEqual(['other', 'old']);
  expect(model.hasMore).toBe(true);
});

it('draws no lines where snapshots are left out', async () => {
  const { model } = await setUp();
  expect(model.graph).toHaveLength(1);
  model.narrow({ author: 'Ann' });
  await settle();
  expect(model.graph).toBeNull();
  model.narrow({ author: '', all: true });
  await settle();
  expect(model.graph).toHaveLength(1);
});

it('sends the filter as a search', async () => {
  const { wire, model } = await setUp();
  model.narrow({ q: 'wine' });
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
