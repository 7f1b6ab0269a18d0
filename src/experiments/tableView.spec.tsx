import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import {
  fake,
  failure,
  project,
  rest,
  settle,
  show,
  Wire
} from '../__tests__/server';
import type { MLWSClient } from '../api/client';
import { followProject } from '../api/invalidation';
import type { IExperimentRun } from '../api/models';
import type { ServerView } from '../ui/server';
import { State } from '../ui/state';
import { RunActions } from './actions';
import { ALL_RUNS } from './table';
import { runTableView } from './tableView';

let wire: Wire;
let client: MLWSClient;
let view: ServerView;
let search: State<typeof ALL_RUNS>;
let compared: string[];
let views: { layout: object; in_project: boolean; items: object[] };

const run = (id: string, metrics: object = { acc: 0.9 }) => ({
  id,
  run: id,
  workflow: `${id}/dvc.yaml`,
  status: 'COMPLETED',
  started: null,
  duration: 1,
  params: {},
  metrics,
  commit: 'c'
});

beforeEach(() => {
  // jsdom has no layout.
  vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(600);
  wire = new Wire();
  client = wire.client();
  followProject(client);
  client.project = project;
  compared = [];
  wire.answers['GET /runs'] = (_: unknown, { searchParams }: URL) =>
    searchParams.has('cursor')
      ? { items: [run('c')], next_cursor: null }
      : { items: [run('a'), run('b')], next_cursor: 'next' };
  wire.answers['GET /runs/columns'] = {
    metrics: ['acc', 'loss'],
    params: ['kind'],
    tags: [],
    experiments: ['e']
  };
  views = {
    layout: { columns: null, sort: null, group: null, baseline: null },
    in_project: false,
    items: []
  };
  wire.answers['GET /runs/views'] = () => views;
  wire.answers['PUT /runs/layout'] = ({ layout }: { layout: object }) =>
    (views = { ...views, layout });
  wire.answers['GET /workflows'] = { items: [], next_cursor: null };
  wire.answers['GET /reproductions'] = { items: [], next_cursor: null };
  search = new State(ALL_RUNS);
  const actions = new RunActions(
    fake(),
    client,
    fake(),
    (runs: readonly IExperimentRun[]) => (compared = runs.map(one => one.run))
  );
  view = runTableView({ client, actions, search });
});

afterEach(() => {
  vi.restoreAllMocks();
  view.dispose();
});

const asked = () =>
  wire.requests.filter(one => one.url.pathname.endsWith('/runs'));
const rows = () =>
  [...view.node.querySelectorAll<HTMLElement>('[data-mlws-run]')].map(
    one => one.dataset.mlwsRun
  );
const find = (selector: string) =>
  view.node.querySelector<HTMLElement>(selector)!;
const headings = () =>
  [...view.node.querySelectorAll('th button')].map(one => one.textContent);

it('reads the next runs when the end is in view, and all of them anew after a change', async () => {
  await show(view);
  await rest();
  expect(rows()).toEqual(['a', 'b', 'c']);
  expect(headings()).toContain('acc');
  expect(headings()).not.toContain('loss');
  const before = asked().length;
  wire.answers['GET /runs'] = { items: [run('d')], next_cursor: null };
  wire.sockets[1].say({ type: 'run', seq: 1 });
  await rest();
  expect(rows()).toEqual(['d']);
  expect(asked().length).toBe(before + 1);
});

it('asks for one search at a time, and for the newest one at the end', async () => {
  await show(view);
  await rest();
  const before = asked().length;
  let release: (page: object) => void = () => undefined;
  wire.answers['GET /runs'] = () => new Promise(resolve => (release = resolve));
  for (const q of ['w', 'wi', 'win', 'wine']) {
    search.value = { ...search.value, q };
    await rest();
  }
  const texts = () =>
    asked()
      .slice(before)
      .map(({ url }) => url.searchParams.get('q'));
  expect(texts()).toEqual(['w']);
  expect(rows()).toContain('a');
  release({ items: [run('w')], next_cursor: null });
  await rest();
  expect(texts()).toEqual(['w', 'wine']);
  release({ items: [run('wine')], next_cursor: null });
  await rest();
  expect(rows()).toEqual(['wine']);
});

it('tells a wrong condition in its place, and what was there stays', async () => {
  await show(view);
  wire.answers['GET /runs'] = () => failure(422, '30101', 'Invalid');
  search.value = { ...ALL_RUNS, filter: 'metrics.' };
  await rest();
  expect(find('[role="alert"]').textContent).toContain('Invalid');
  expect(rows()).toContain('a');
});

it('sorts by a column, down, up and not at all', async () => {
  await show(view);
  const sorts: (string | null)[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const acc = [...view.node.querySelectorAll('button')].find(one =>
      one.textContent!.startsWith('acc')
    )!;
    acc.click();
    await rest();
    const last = asked().filter(({ url }) => !url.searchParams.has('cursor'));
    sorts.push(last[last.length - 1].url.searchParams.get('sort'));
  }
  expect(sorts.slice(0, 2)).toEqual([
    'metrics.`acc` DESC',
    'metrics.`acc` ASC'
  ]);
  expect(find('[aria-sort="descending"]')).toBeNull();
});

it('keeps the chosen runs in the order of choice', async () => {
  await show(view);
  await settle();
  for (const id of ['b', 'a']) {
    find(`[data-mlws-run="${id}"] input`).click();
    await rest();
  }
  view.actions.get('compare')!.execute();
  expect(compared).toEqual(['b', 'a']);
});
