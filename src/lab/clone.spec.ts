import { Notification } from '@jupyterlab/apputils';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { fake, rest, Wire } from '../__tests__/server';
import { clone } from './clone';
import type { OpenDocuments } from './documents';
import { Work } from './work';

const OPERATION = { id: 'o1', state: 'COMPLETED', progress: {} };
const PATH = '/team/projects/wine/clone';
const PULL = 'POST /git/pull';

let wire: Wire;

/** Clones a project with the given parts; returns the buttons of the notification at its end. */
async function buttons(dvc: boolean): Promise<readonly Notification.IAction[]> {
  const project = {
    id: 'wine',
    name: 'wine',
    path: 'wine',
    dvc,
    trusted: true
  };
  wire.answers[`POST ${PATH}`] = OPERATION;
  wire.answers['GET /operations/o1'] = { ...OPERATION, result: project };
  wire.answers['GET /projects'] = { items: [project], next_cursor: null };
  const client = wire.client();
  const documents = fake<OpenDocuments>({
    saveAll: async () => [],
    reloadChanged: async () => undefined
  });
  const work = new Work(client, documents);
  await clone(work, PATH, {}, 'wine');
  await rest();
  expect(client.project?.id).toBe('wine');
  return Notification.manager.notifications[0].options.actions ?? [];
}

const pulls = () =>
  wire.requests.filter(({ url }) => url.pathname.endsWith('/git/pull'));

beforeEach(() => {
  wire = new Wire();
});

afterEach(() => {
  Notification.dismiss();
});

it('offers to pull the data and runs of a clone', async () => {
  const [button] = await buttons(true);
  expect(button.label).toBe('Pull Data');
  expect(pulls()).toEqual([]);
  wire.answers['GET /git/status'] = { changes: [] };
  wire.answers[PULL] = { ...OPERATION, id: 'o2' };
  const result = { outcome: 'up_to_date', commits: 0, runs: 2, warnings: [] };
  wire.answers['GET /operations/o2'] = { ...OPERATION, id: 'o2', result };
  button.callback(new MouseEvent('click'));
  await rest();
  await rest();
  expect(pulls().map(({ url }) => url.searchParams.get('project'))).toEqual([
    'wine'
  ]);
});

it('has no such button for a repository without data', async () => {
  expect(await buttons(false)).toEqual([]);
});
