import { expect, it } from 'vitest';

import { project, settle, Wire } from '../__tests__/server';
import { RegistryModel } from './model';
import type { IModelVersion } from '../api/models';

async function setUp() {
  const wire = new Wire();
  wire.answers['GET /models'] = { items: [], next_cursor: null };
  wire.answers['GET /runs/columns'] = { params: [], metrics: ['acc'] };
  const client = wire.client();
  client.project = project;
  const model = new RegistryModel(
    client,
    client.stream('/workspace/status'),
    client.stream('/workflows/status')
  );
  model.active = true;
  await settle();
  return { wire, model };
}

it('asks for the best versions of the chosen metric alone', async () => {
  const { wire, model } = await setUp();
  const best = { metric: 'acc', mode: 'max', items: [] };
  wire.answers['GET /models/best'] = best;
  model.metric = 'acc';
  await settle();
  expect(model.best).toEqual(best);
  model.metric = '';
  await settle();
  expect(model.best).toBeNull();
});

it('sets an alias of the version of a model with an odd name, and tells of it', async () => {
  const { wire, model } = await setUp();
  let told = 0;
  model.edited.connect(() => (told += 1));
  wire.answers['PUT /models/a%20b/aliases/production'] = {};
  const version = { id: 'a b:7', name: 'a b', version: 7 } as IModelVersion;
  await model.setAlias(version, 'production');
  const put = wire.requests.find(one => one.method === 'PUT');
  expect(put?.body).toEqual({ version: 7 });
  expect(told).toBe(1);
});

it('reads anew when runs have changed, and while it is looked at alone', async () => {
  const { wire, model } = await setUp();
  const reads = () =>
    wire.requests.filter(one => one.url.pathname.endsWith('/models')).length;
  wire.sockets[0].say({ type: 'workspace', seq: 1, areas: ['changes'] });
  await settle();
  expect(reads()).toBe(1);
  wire.sockets[0].say({ type: 'workspace', seq: 2, areas: ['runs'] });
  await settle();
  expect(reads()).toBe(2);
  model.active = false;
  wire.sockets[0].say({ type: 'workspace', seq: 3, areas: ['runs'] });
  await settle();
  expect(reads()).toBe(2);
});
