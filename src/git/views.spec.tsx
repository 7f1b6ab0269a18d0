import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../__tests__/server';
import type { Chosen } from './stagingActions';
import type { IChange, IConflict, ISnapshot } from '../api/models';
import { ChangesModel, type ICommitOptions } from './changes';
import { ChangesView } from './changesView';
import { HistoryModel } from './history';
import { HistoryView } from './historyView';

const trans = nullTranslator.load('jupyter_mlws');
const change: IChange = {
  path: 'data/wine.csv',
  kind: 'data',
  state: 'modified',
  staged: false,
  index_state: null,
  worktree_state: 'modified',
  old_path: null,
  size: 11157
};
const snapshot: ISnapshot = {
  id: 'f00dfeed00',
  short: 'f00dfeed',
  parents: [],
  subject: 'First <b>one</b>',
  message: 'First <b>one</b>',
  author: { name: 'Ann', email: 'ann@example.com' },
  timestamp: '2026-11-25T12:00:00Z',
  refs: ['main'],
  current: true,
  runs: ['r1'],
  data: [],
  stats: { code: 2, data: 1, notebook: 0 },
  proof: {
    code: true,
    data_local: true,
    data_remote: null,
    runs: false,
    checked: '2026-11-25T12:00:00Z'
  }
};

let wire: Wire;
let calls: string[];
let view: Widget;

beforeEach(() => {
  // jsdom lays nothing out: a list would have no row in sight.
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', {
    configurable: true,
    value: 600
  });
  wire = new Wire();
  calls = [];
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    upstream: null,
    changes: [change],
    operation: null,
    outbox: []
  };
  const listed = { ...snapshot, proof: null };
  wire.answers['GET /snapshots'] = { items: [listed], next_cursor: null };
  wire.answers['GET /snapshots/f00dfeed00'] = snapshot;
});

afterEach(() => {
  view.dispose();
});

/** Lets models, Lumino and React come to rest. */
async function rest(): Promise<void> {
  await settle();
  MessageLoop.flush();
  await new Promise(resolve => setTimeout(resolve, 20));
}

async function show(
  made: Widget,
  model: { active: boolean }
): Promise<HTMLElement> {
  view = made;
  Widget.attach(view, document.body);
  model.active = true;
  await rest();
  return view.node;
}

async function changes(): Promise<[HTMLElement, ChangesModel]> {
  const client = wire.client();
  client.project = project;
  const model = new ChangesModel(client, client.stream('/workspace/status'), [
    'changes'
  ]);
  const actions = {
    openDiff: (one: IChange, staged: boolean) =>
      calls.push(`diff ${one.path}${staged ? ' staged' : ''}`),
    stage: (chosen: Chosen) => calls.push(`stage ${JSON.stringify(chosen)}`),
    unstage: (chosen: Chosen) =>
      calls.push(`unstage ${JSON.stringify(chosen)}`),
    discard: (chosen: Chosen) =>
      calls.push(`discard ${JSON.stringify(chosen)}`),
    resolve: (one: IConflict) => calls.push(`resolve ${one.path}`),
    continueMerge: () => calls.push('continue'),
    abortMerge: () => calls.push('abort'),
    returnToHead: () => calls.push('return'),
    track: (path: string) => calls.push(`track ${path}`),
    pullData: (data: readonly IChange[]) =>
      calls.push(`pull ${data.map(one => one.path).join(' ')}`),
    commit: (options: ICommitOptions = {}) =>
      calls.push(options.staged ? 'commit staged' : 'commit')
  };
  const node = await show(new ChangesView(model, actions, 'en', trans), model);
  return [node, model];
}

async function history(): Promise<HTMLElement> {
  const client = wire.client();
  client.project = project;
  const model = new HistoryModel(client, client.stream('/workspace/status'), [
    'history'
  ]);
  const note = (word: string) => (one: ISnapshot) =>
    calls.push(`${word} ${one.id}`);
  const actions = {
    restore: note('restore'),
    compare: note('compare'),
    copyId: note('copy'),
    verify: note('verify'),
    openChange: note('open')
  };
  return show(new HistoryView(model, actions, 'en', trans), model);
}

const button = (node: HTMLElement, selector: string) =>
  node.querySelector<HTMLButtonElement>(selector)!;

it('shows a change with words for those who do not see colours', async () => {
  const [node] = await changes();
  const row = button(node, '.jp-mlws-Change');
  expect(row.getAttribute('aria-label')).toBe('data/wine.csv: data, modified');
  row.click();
  expect(calls).toEqual(['diff data/wine.csv']);
});

it('lets nobody commit without a message', async () => {
  const [node, model] = await changes();
  expect(button(node, '.jp-mlws-CommitButton').disabled).toBe(true);
  model.message = 'why';
  await rest();
  expect(button(node, '.jp-mlws-CommitButton').disabled).toBe(false);
  button(node, '.jp-mlws-CommitButton').click();
  expect(calls).toEqual(['commit']);
});

it('stages a file, and commits what is staged apart from the rest', async () => {
  const code: IChange = {
    ...change,
    path: 'a.py',
    kind: 'code',
    staged: true,
    index_state: 'modified'
  };
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: [code, change],
    operation: null,
    outbox: []
  };
  const [node, model] = await changes();
  // Changed again since it was staged: it is in both lists.
  expect(node.querySelectorAll('[data-mlws-path="a.py"]')).toHaveLength(2);
  button(node, '.jp-mlws-StageButton').click();
  button(node, '.jp-mlws-UnstageButton').click();
  // Data goes into git by its .dvc file alone.
  expect(node.querySelectorAll('.jp-mlws-StageButton')).toHaveLength(1);
  model.message = 'why';
  await rest();
  expect(button(node, '.jp-mlws-CommitButton').textContent).toBe(
    'Commit 1 Staged File'
  );
  button(node, '.jp-mlws-CommitButton').click();
  button(node, '.jp-mlws-CommitAllButton').click();
  expect(calls).toEqual([
    'stage {"paths":["a.py"]}',
    'unstage {"paths":["a.py"]}',
    'commit staged',
    'commit'
  ]);
});

it('folds a full folder of new files, and tracks it as data', async () => {
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: Array.from({ length: 12 }, (_, number) => ({
      ...change,
      path: `raw/${number}.png`,
      kind: 'code',
      state: 'untracked',
      worktree_state: 'untracked'
    })),
    operation: null,
    outbox: [],
    restored: null
  };
  const [node] = await changes();
  expect(node.querySelectorAll('.jp-mlws-Change')).toHaveLength(1);
  button(node, '.jp-mlws-TrackButton').click();
  expect(calls).toEqual(['track raw']);
  button(node, '[data-mlws-folder="raw"]').click();
  await rest();
  expect(node.querySelectorAll('.jp-mlws-Change')).toHaveLength(13);
});

it('says that the files are as in another snapshot', async () => {
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: [change],
    operation: null,
    outbox: [],
    restored: { commit: 'd304bd64aa', short: 'd304bd64', subject: 'Before' }
  };
  const [node, model] = await changes();
  expect(node.querySelector('.jp-mlws-Restored')!.textContent).toContain(
    'Files restored from d304bd64 “Before”.'
  );
  button(node, '.jp-mlws-ReturnButton').click();
  expect(calls).toEqual(['return']);
  button(node, '.jp-mlws-KeepButton').click();
  expect(model.message).toBe('Restore “Before”');
});

it('offers to pull data that a clone lacks, and not to commit it', async () => {
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: [{ ...change, state: 'not_pulled' }],
    operation: null,
    outbox: []
  };
  const [node, model] = await changes();
  model.message = 'why';
  await rest();
  expect(button(node, '.jp-mlws-CommitButton').textContent).toBe('Commit');
  expect(node.querySelector('[data-mlws-path]')).toBeNull();
  button(node, '.jp-mlws-PullDataButton').click();
  expect(calls).toEqual(['pull data/wine.csv']);
});

it('shows a merge that waits instead of the commit box', async () => {
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: [{ ...change, path: 'a.py', state: 'conflicted' }],
    operation: 'merge',
    outbox: []
  };
  const conflict = { path: 'a.py', kind: 'code', how: 'both_modified' };
  wire.answers['GET /git/conflicts'] = {
    operation: 'merge',
    ours: 'main',
    theirs: 'topic',
    commit: 'b',
    items: [conflict]
  };
  const [node, model] = await changes();
  expect(node.querySelector('.jp-mlws-CommitBox')).toBeNull();
  expect(node.textContent).toContain('Merging “topic” into “main”');
  expect(button(node, '.jp-mlws-ContinueButton').disabled).toBe(true);
  button(node, '.jp-mlws-Conflict').click();
  wire.answers['GET /git/conflicts'] = {
    operation: 'merge',
    ours: 'main',
    theirs: 'topic',
    commit: 'b',
    items: []
  };
  await model.refresh();
  await rest();
  button(node, '.jp-mlws-ContinueButton').click();
  button(node, '.jp-mlws-AbortButton').click();
  expect(calls).toEqual(['resolve a.py', 'continue', 'abort']);
});

it('shows which parts of the newest snapshot are proven', async () => {
  const [node] = await changes();
  const badges = [
    ...node.querySelectorAll('.jp-mlws-LastSnapshot .jp-mlws-Badge')
  ];
  expect(badges.map(badge => badge.textContent)).toEqual([
    'code ✓',
    'data ✓',
    'runs ✗'
  ]);
});

it('tells in place why a commit failed and what to do', async () => {
  const [node, model] = await changes();
  wire.answers['POST /snapshots'] = () =>
    failure(423, '30103', 'In use by Ann.');
  model.message = 'why';
  await model.commit('…', async () => undefined);
  await rest();
  const alert = node.querySelector('[role=alert]');
  expect(alert?.textContent).toContain('In use by Ann.');
  expect(alert?.textContent).toContain('Do this.');
});

it('keeps the cursor in the middle of a message', async () => {
  const [node, model] = await changes();
  model.message = 'one three';
  await rest();
  const box = node.querySelector<HTMLTextAreaElement>('.jp-mlws-CommitBox')!;
  const set = Object.getOwnPropertyDescriptor(
    HTMLTextAreaElement.prototype,
    'value'
  )!.set!;
  set.call(box, 'one two three');
  box.setSelectionRange(8, 8);
  box.dispatchEvent(new Event('input', { bubbles: true }));
  expect(model.message).toBe('one two three');
  expect([box.value, box.selectionStart]).toEqual(['one two three', 8]);
  await rest();
  expect([box.value, box.selectionStart]).toEqual(['one two three', 8]);
});

it('teaches where nothing changed', async () => {
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: [],
    operation: null,
    outbox: []
  };
  const [node] = await changes();
  expect(node.querySelector('.jp-mlws-Hint')?.textContent).toContain(
    'No changes.'
  );
});

it('shows a snapshot and acts on it', async () => {
  const node = await history();
  const item = node.querySelector<HTMLElement>('.jp-mlws-Snapshot')!;
  expect(item.dataset.mlwsSnapshot).toBe('f00dfeed00');
  expect(item.textContent).toContain('First <b>one</b>');
  expect(item.textContent).toContain('2 code files · 1 data file · 1 run');
  expect(item.querySelector('.jp-mlws-Current')).not.toBeNull();
  button(item, '.jp-mlws-RestoreButton').click();
  expect(calls).toEqual(['restore f00dfeed00']);
});

it('moves through the snapshots with the arrow keys', async () => {
  wire.answers['GET /snapshots'] = {
    items: [snapshot, { ...snapshot, id: 'b', current: false }],
    next_cursor: null
  };
  const node = await history();
  const [first, second] = node.querySelectorAll<HTMLElement>('[data-mlws-row]');
  first.focus();
  const press = (key: string) =>
    document.activeElement?.dispatchEvent(
      new KeyboardEvent('keydown', { key, bubbles: true })
    );
  press('ArrowDown');
  expect(document.activeElement).toBe(second);
  press('Home');
  expect(document.activeElement).toBe(first);
});
