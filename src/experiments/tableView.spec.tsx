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
  tags: {},
  title: id,
  kind: 'run',
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

const layouts = () =>
  wire.requests
    .filter(one => one.url.pathname.endsWith('/runs/layout'))
    .map(one => one.body?.layout as Record<string, unknown>);

it('keeps the columns, their order and what is pinned', async () => {
  await show(view);
  await rest();
  const press = async (label: string) => {
    find(`[aria-label="${label}"]`).click();
    await rest();
  };
  const choose = async (name: string) => {
    const label = [...view.node.querySelectorAll('.jp-mlws-Columns label')];
    (
      label.find(one => one.textContent!.startsWith(name))! as HTMLElement
    ).click();
    await rest();
  };
  await choose('loss');
  await choose('kind');
  await press('Move Up: kind');
  await press('Pin loss');
  expect(
    [...view.node.querySelectorAll('thead button')].map(one => one.textContent)
  ).toEqual(['Name', 'loss', 'Status', 'Started', 'acc', 'kind']);
  expect(layouts()[layouts().length - 1].columns).toEqual([
    { kind: 'metric', name: 'acc', pinned: false },
    { kind: 'param', name: 'kind', pinned: false },
    { kind: 'metric', name: 'loss', pinned: true }
  ]);
});

it('shows what differs from the baseline, which is above the others', async () => {
  wire.answers['GET /runs/a'] = run('a');
  wire.answers['GET /runs'] = {
    items: [run('a'), run('b', { acc: 0.95 })],
    next_cursor: null
  };
  await show(view);
  await rest();
  find('[data-mlws-run="a"] input').click();
  await rest();
  view.actions.get('baseline')!.execute();
  await rest();
  expect(find('[data-mlws-baseline="a"]').textContent).toContain('0.9');
  expect(find('[data-mlws-run="b"]').textContent).toContain('▲ +0.05');
  expect(find('[data-mlws-run="a"]').textContent).not.toContain('▲');
  find('[aria-label="Unpin Baseline"]').click();
  await rest();
  expect(view.node.querySelector('[data-mlws-baseline]')).toBeNull();
});

it('shows groups with means, and the runs of one that is opened', async () => {
  views.layout = { ...views.layout, group: 'params.kind' };
  const groups = [
    {
      value: 'tree',
      count: 2,
      metrics: { acc: { count: 2, mean: 0.8, deviation: 0.125 } }
    },
    {
      value: null,
      count: 1,
      metrics: { acc: { count: 1, mean: 0.5, deviation: null } }
    }
  ];
  wire.answers['GET /runs/groups'] = { items: groups, more: 0 };
  wire.answers['GET /runs'] = (_: unknown, { searchParams }: URL) => ({
    items: searchParams.get('value') === 'tree' ? [run('t')] : [run('a')],
    next_cursor: null
  });
  await show(view);
  await rest();
  expect(rows()).toEqual([]);
  const tree = find('[data-mlws-group="tree"]');
  expect(tree.textContent).toContain('2 runs');
  expect(tree.textContent).toContain('0.8 ± 0.13');
  expect(tree.innerHTML).toContain('Mean of 2 runs');
  expect(find('[data-mlws-group="(none)"]').textContent).not.toContain('±');
  find('[data-mlws-group="tree"] button').click();
  await rest();
  expect(rows()).toEqual(['t']);
});

it('writes the condition of the form, and says where a text is wrong', async () => {
  await show(view);
  await rest();
  find('[aria-label="Edit Conditions"]').click();
  await rest();
  const type = async (label: string, value: string) => {
    const input = find(`input[aria-label="${label}"]`) as HTMLInputElement;
    const { set } = Object.getOwnPropertyDescriptor(
      HTMLInputElement.prototype,
      'value'
    )!;
    set!.call(input, value);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    await rest();
  };
  await type('Column', 'val/acc');
  expect(find('.jp-mlws-FilterForm').textContent).toContain('After');
  await type('Value', '0.5');
  [...view.node.querySelectorAll<HTMLElement>('.jp-mlws-FilterForm button')]
    .find(one => one.textContent === 'Apply')!
    .click();
  await rest();
  expect(search.value.filter).toBe('metrics.`val/acc` >= 0.5');
});

it('shows commits where there are no runs, and only those that match', async () => {
  wire.answers['GET /runs'] = { items: [], next_cursor: null };
  const commit = (id: string, acc: number) => ({
    ...run(id, { acc }),
    id: null,
    kind: 'commit',
    workflow: null
  });
  wire.answers['GET /runs/commits'] = {
    items: [commit('c1', 0.5), commit('c2', 0.7)],
    next_cursor: null
  };
  await show(view);
  await rest();
  expect(rows()).toEqual(['c1', 'c2']);
  expect(find('[data-mlws-run="c1"]').textContent).toContain('commit');
  search.value = {
    ...ALL_RUNS,
    state: 'commits',
    filter: 'metrics.acc > 0.6'
  };
  await rest();
  expect(rows()).toEqual(['c2']);
});

it('applies a saved view', async () => {
  views.items = [
    {
      name: 'best',
      in_project: true,
      search: { ...ALL_RUNS, experiment: 'e' },
      layout: { ...views.layout, sort: 'metrics.`acc` DESC' }
    }
  ];
  await show(view);
  await rest();
  find('[data-mlws-view="best"] button').click();
  await rest();
  const { searchParams } = asked()[asked().length - 1].url;
  expect(searchParams.get('experiment')).toBe('e');
  expect(searchParams.get('sort')).toBe('metrics.`acc` DESC');
  expect(layouts()).toHaveLength(1);
});
