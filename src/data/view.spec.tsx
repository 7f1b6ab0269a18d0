import { afterEach, beforeEach, expect, it } from 'vitest';

import { failure, fake, project, rest, show, Wire } from '../__tests__/server';
import type { MLWSClient } from '../api/client';
import { followProject } from '../api/invalidation';
import type { ServerView } from '../ui/server';
import { State } from '../ui/state';
import { DatasetActions } from './actions';
import { dataView } from './view';

let wire: Wire;
let client: MLWSClient;
let view: ServerView;
let md5: string;
let others: object[];
let absent: object;

beforeEach(() => {
  wire = new Wire();
  client = wire.client();
  followProject(client);
  client.project = project;
  md5 = 'a';
  others = [];
  absent = { files: 0, size: 0 };
  const dataset = () => ({
    id: 'data~1wine.csv',
    path: 'data/wine.csv',
    md5,
    state: 'unchanged',
    size: 1,
    files: null,
    output: false
  });
  wire.answers['GET /datasets'] = () => ({
    items: [dataset(), ...others],
    next_cursor: null,
    own: { count: 1, size: 1 },
    outputs: { count: others.length, size: 0 }
  });
  wire.answers['GET /datasets/remotes'] = {
    items: [
      {
        name: 'store',
        url: '/mnt',
        kind: 'local',
        default: true,
        options: {},
        credentials: []
      }
    ]
  };
  wire.answers['GET /datasets/storage'] = () => ({
    size: 10,
    current: 1,
    free: 5,
    unfinished: 0,
    damaged: 0,
    absent
  });
  wire.answers['POST /datasets/places'] = { id: 'places', state: 'PENDING' };
  wire.answers['GET /operations/places'] = () => ({
    id: 'places',
    state: 'COMPLETED',
    result: {
      unreachable: null,
      absent,
      items: [{ md5, cached: true, remote: false }]
    }
  });
  const actions = new DatasetActions(
    client,
    fake(),
    fake(),
    () => undefined,
    () => undefined,
    () => undefined
  );
  const expanded = new State<ReadonlySet<string>>(new Set());
  view = dataView({ client, actions, expanded });
});

afterEach(() => {
  view.dispose();
});

const asked = (method: string, path: string) =>
  wire.requests.filter(
    one => one.method === method && one.url.pathname.endsWith(path)
  ).length;

const say = async (seq: number) => {
  wire.sockets[0].say({ type: 'workspace', seq, areas: ['changes'] });
  await rest();
};

const press = async (label: string) => {
  const buttons = [...view.node.querySelectorAll('button')];
  buttons.find(one => one.textContent === label)!.click();
  await rest();
};

it('marks what is not pushed, and asks again where it is when another content is recorded', async () => {
  const node = await show(view);
  expect(node.querySelector('[data-mlws-mark="unpushed"]')).not.toBeNull();
  expect(asked('POST', '/places')).toBe(1);
  await say(1);
  expect(asked('GET', '/datasets')).toBe(2);
  expect(asked('POST', '/places')).toBe(1);
  md5 = 'b';
  await say(2);
  expect(asked('POST', '/places')).toBe(2);
  await view.refresh();
  expect(asked('POST', '/places')).toBe(3);
});

it('folds the outputs of workflows below the own data, and hides what cannot be done', async () => {
  others = [
    {
      id: 'model.bin',
      path: 'model.bin',
      md5: null,
      state: 'unrecorded',
      size: null,
      files: null,
      output: true,
      source: 'dvc.lock'
    }
  ];
  wire.answers['GET /datasets/model.bin'] = {
    versions: [],
    producers: [],
    consumers: [],
    next_cursor: null
  };
  const node = await show(view);
  const groups = [...node.querySelectorAll('details')];
  expect(groups.map(one => one.open)).toEqual([true, false]);
  expect(groups[0].textContent).toContain('Your Data');
  groups[1].querySelector('summary')!.click();
  await rest();
  expect(groups[1].open).toBe(true);
  groups[1].querySelector<HTMLElement>('[data-mlws-row]')!.click();
  await rest();
  expect(groups[1].textContent).toContain('output of dvc.lock');
  expect(groups[1].querySelectorAll('.jp-mlws-Tools button')).toHaveLength(0);
});

it('keeps the list when nobody can tell where the data is', async () => {
  wire.answers['POST /datasets/places'] = () =>
    failure(500, '50101', 'Our fault.');
  const node = await show(view);
  expect(node.textContent).toContain('Our fault.');
  expect(node.querySelector('[data-mlws-dataset]')).not.toBeNull();
});

it('shows what a verification has found until the next one', async () => {
  wire.answers['GET /datasets/data~1wine.csv'] = {
    versions: [],
    producers: [],
    consumers: [],
    next_cursor: null
  };
  wire.answers['POST /datasets/data~1wine.csv/verify'] = {
    id: 'verify',
    state: 'PENDING'
  };
  let state = 'COMPLETED';
  wire.answers['GET /operations/verify'] = () => ({
    id: 'verify',
    state,
    done: 0,
    total: null,
    result: {
      objects: 4,
      stores: [{ name: 'cache', whole: true, faulty: [] }]
    }
  });
  const node = await show(view);
  node.querySelector<HTMLElement>('[data-mlws-row]')!.click();
  await rest();
  await press('Verify');
  expect(node.querySelector('[data-mlws-store="cache"]')).not.toBeNull();
  state = 'RUNNING';
  await press('Verify');
  expect(node.querySelector('[data-mlws-store="cache"]')).toBeNull();
  expect(node.querySelector('progress')).not.toBeNull();
});

it('says whether a remote answers', async () => {
  await show(view);
  await press('Remote: store');
  wire.answers['POST /datasets/remotes/store/check'] = () =>
    failure(502, '50202', 'No such host.');
  await press('Test Connection');
  expect(view.node.textContent).toContain('No such host.');
  wire.answers['POST /datasets/remotes/store/check'] = {};
  await press('Test Connection');
  expect(view.node.querySelector('[data-mlws-proof="yes"]')).not.toBeNull();
});

it('offers to pull what is not here, and to try again', async () => {
  absent = { files: 3, size: 1.2e9 };
  wire.answers['POST /datasets/pull'] = () =>
    failure(502, '30101', 'Can\'t reach the remote "store".');
  const node = await show(view);
  expect(node.textContent).toContain('3 files, 1.2 GB, are not here yet.');
  await press('Pull Data (1.2 GB)');
  expect(node.textContent).toContain('Can\'t reach the remote "store".');
  absent = { files: 0, size: 0 };
  wire.answers['POST /datasets/pull'] = { id: 'pull', state: 'PENDING' };
  wire.answers['GET /operations/pull'] = {
    id: 'pull',
    state: 'COMPLETED',
    result: { items: [] }
  };
  await press('Try Again');
  await rest();
  expect(node.querySelector('.jp-mlws-Offer, .jp-mlws-Work')).toBeNull();
  expect(asked('POST', '/datasets/pull')).toBe(2);
});

it('says only how many files there are without sizes, and what to do without a remote', async () => {
  absent = { files: 1, size: null };
  wire.answers['GET /datasets/remotes'] = { items: [] };
  const node = await show(view);
  expect(node.textContent).toContain('1 file is not here yet.');
  expect(node.textContent).toContain('Ask the authors');
  expect(node.querySelector('.jp-mlws-PullAllButton')).toBeNull();
});

it('offers what is not here before the remote has answered, and then leaves out what it lacks', async () => {
  absent = { files: 3, size: 1.2e9 };
  let state = 'RUNNING';
  wire.answers['GET /operations/places'] = () => ({
    id: 'places',
    state,
    result: { unreachable: null, absent: { files: 1, size: 5 }, items: [] }
  });
  const node = await show(view);
  expect(node.textContent).toContain('3 files, 1.2 GB, are not here yet.');
  state = 'COMPLETED';
  const event = { type: 'operation', seq: 1, id: 'places', state };
  wire.sockets[wire.sockets.length - 1].say(event);
  await rest();
  expect(node.textContent).toContain('1 file, 5 B, is not here yet.');
});
