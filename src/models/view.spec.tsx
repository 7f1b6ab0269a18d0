import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { fake, project, rest, show, Wire } from '../__tests__/server';
import type { MLWSClient } from '../api/client';
import { followProject } from '../api/invalidation';
import type { OpenDocuments } from '../lab/documents';
import type { ServerView } from '../ui/server';
import { State } from '../ui/state';
import { ModelActions } from './actions';
import { comparisonView } from './compareView';
import { modelsView } from './view';

const version = {
  id: 'a b:7',
  name: 'a b',
  version: 7,
  params: {},
  metrics: { acc: 0.9 },
  artifacts: [],
  timestamp: '2026-11-25T12:00:00Z',
  aliases: []
};

let wire: Wire;
let client: MLWSClient;
let views: ServerView[];
let compared: string[][];
let expanded: State<ReadonlySet<string>>;

beforeEach(() => {
  wire = new Wire();
  client = wire.client();
  followProject(client);
  client.project = project;
  views = [];
  compared = [];
  expanded = new State<ReadonlySet<string>>(new Set());
  wire.answers['GET /models'] = {
    items: [{ id: 'a b', name: 'a b', aliases: {}, newest: version }],
    next_cursor: null
  };
  wire.answers['GET /runs/columns'] = { params: [], metrics: ['acc'] };
  wire.answers['GET /models/a%20b'] = {
    aliases: {},
    versions: [version, { ...version, id: 'a b:6', version: 6 }],
    next_cursor: 'older'
  };
  wire.answers['GET /models/a%20b/aliases/history'] = { items: [] };
});

afterEach(() => {
  views.forEach(view => view.dispose());
});

const makeActions = () =>
  new ModelActions(
    client,
    fake<OpenDocuments>({}),
    (_, args) => 'ids' in args && compared.push([...(args.ids as string[])])
  );

async function registry(): Promise<HTMLElement> {
  const view = modelsView({
    client,
    actions: makeActions(),
    renderers: fake<IRenderMimeRegistry>(),
    expanded
  });
  views.push(view);
  return show(view);
}

const reads = (path: string) =>
  wire.requests.filter(one => one.url.pathname.endsWith(path)).length;

it('asks for the best versions of the chosen metric alone', async () => {
  wire.answers['GET /models/best'] = {
    metric: 'acc',
    mode: 'max',
    items: [{ value: 0.9, version }]
  };
  const node = await registry();
  expect(reads('/best')).toBe(0);
  const select = node.querySelector('select')!;
  const choose = async (metric: string) => {
    select.value = metric;
    select.dispatchEvent(new Event('change', { bubbles: true }));
    await rest();
  };
  await choose('acc');
  expect(node.querySelector('[data-mlws-best="a b:7"]')).not.toBeNull();
  await choose('');
  expect(node.querySelector('[data-mlws-best]')).toBeNull();
  expect(reads('/best')).toBe(1);
});

it('reads the versions of an expanded model, and older ones when asked', async () => {
  const node = await registry();
  expect(reads('/a%20b')).toBe(0);
  node.querySelector<HTMLElement>('[data-mlws-row]')!.click();
  await rest();
  const ids = () =>
    [...node.querySelectorAll<HTMLElement>('[data-mlws-model]')].map(
      one => one.dataset.mlwsModel
    );
  expect(ids()).toEqual(['a b:7', 'a b:6']);
  wire.answers['GET /models/a%20b'] = (_: unknown, url: URL) => ({
    aliases: {},
    versions: [{ ...version, id: `a b:${url.searchParams.get('cursor')}` }],
    next_cursor: null
  });
  node
    .querySelector<HTMLElement>(
      '.jp-mlws-Dataset-detail > button:last-of-type'
    )!
    .click();
  await rest();
  expect(ids()).toEqual(['a b:7', 'a b:6', 'a b:older']);
  node
    .querySelector<HTMLInputElement>('[data-mlws-model="a b:6"] input')!
    .click();
  node
    .querySelector<HTMLInputElement>('[data-mlws-model="a b:7"] input')!
    .click();
  await rest();
  node.querySelector<HTMLElement>('.jp-mlws-CompareModelsButton')!.click();
  expect(compared).toEqual([['a b:6', 'a b:7']]);
});

it('sets an alias of the version of a model with an odd name, and shows it everywhere', async () => {
  wire.answers['PUT /models/a%20b/aliases/production'] = {};
  wire.answers['GET /models/compare'] = {
    versions: [version],
    params: [],
    metrics: [],
    environments: []
  };
  const actions = makeActions();
  const comparison = comparisonView({ client, actions, ids: ['a b:7'] });
  views.push(comparison);
  await show(comparison);
  await registry();
  comparison.node.querySelector('button')!.click();
  await rest();
  document.querySelector<HTMLElement>('.jp-Dialog .jp-mod-accept')!.click();
  await rest();
  const put = wire.requests.find(one => one.method === 'PUT');
  expect(put?.body).toEqual({ version: 7 });
  expect(reads('/compare')).toBe(2);
  expect(reads('/models')).toBe(2);
});

it('reads anew when runs have changed, and while it is looked at alone', async () => {
  await registry();
  const say = async (seq: number, area: string) => {
    wire.sockets[0].say({ type: 'workspace', seq, areas: [area] });
    await rest();
  };
  await say(1, 'changes');
  expect(reads('/models')).toBe(1);
  await say(2, 'runs');
  expect(reads('/models')).toBe(2);
  views[0].active = false;
  await rest();
  await say(3, 'runs');
  expect(reads('/models')).toBe(2);
});

it('offers the outputs of the chosen run, and registers those alone', async () => {
  const run = (id: string) => ({ id, run: id, workflow: null, started: null });
  const output = (path: string, store: string | null) => ({
    path,
    node: 'train',
    md5: '0',
    size: 12,
    store,
    unreachable: null
  });
  wire.answers['GET /runs'] = {
    items: [run('new'), run('old')],
    next_cursor: null
  };
  const outputs = { items: [output('model.pkl', 'cache')], next_cursor: null };
  let answer = (): void => undefined;
  wire.answers['GET /runs/new/outputs'] = () =>
    new Promise(resolve => {
      answer = () => resolve(outputs);
    });
  wire.answers['GET /runs/old/outputs'] = {
    items: [
      output('gone.pkl', null),
      output('net', 'mlflow'),
      output('weights.pt', 'remote')
    ],
    next_cursor: null
  };
  wire.answers['POST /models'] = version;
  makeActions().register();
  await rest();
  const dialog = document.querySelector<HTMLElement>('.jp-Dialog')!;
  const select = dialog.querySelector('select')!;
  select.value = 'old';
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await rest();
  // A late response about the first run changes nothing.
  answer();
  await rest();
  const boxes = [
    ...dialog.querySelectorAll<HTMLInputElement>('[name=artifacts]')
  ];
  expect(boxes.map(box => [box.value, box.checked, box.disabled])).toEqual([
    ['gone.pkl', false, true],
    ['net', false, false],
    ['weights.pt', true, false]
  ]);
  expect(dialog.textContent).toContain('neither the cache nor the remote');
  // No path is typed.
  expect(dialog.querySelector('textarea')).toBeNull();
  boxes[1].click();
  await rest();
  dialog.querySelector<HTMLElement>('.jp-mod-accept')!.click();
  await rest();
  const post = wire.requests.find(one => one.method === 'POST');
  expect(post?.body).toEqual({
    name: 'new',
    run_id: 'old',
    artifacts: ['weights.pt', 'net']
  });
});
