import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { failure, project, rest, show, Wire } from '../__tests__/server';
import type { MLWSClient } from '../api/client';
import { followProject } from '../api/invalidation';
import type {
  IChange,
  IConflict,
  IIdentity,
  ISnapshot,
  OperationAction
} from '../api/models';
import { trans } from '../ui/locale';
import type { ServerView } from '../ui/server';
import { State } from '../ui/state';
import { changesView } from './changes/changesView';
import { CommitDraft, type ICommitOptions } from './changes/commit';
import { NO_FILTER, type IHistoryFilter } from './history/history';
import { historyView } from './history/historyView';
import { NONE_SELECTED } from './changes/selection';
import type { Selection } from './changes/stagingActions';

const change: IChange = {
  path: 'data/wine.csv',
  kind: 'data',
  state: 'modified',
  staged: false,
  index_state: null,
  worktree_state: 'modified',
  old_path: null,
  size: 11157,
  too_large: false
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
  environments: [],
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
let client: MLWSClient;
let filter: State<IHistoryFilter>;
let calls: string[];
let view: ServerView;

beforeEach(() => {
  // jsdom lays nothing out: a list would have no row in sight.
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', {
    configurable: true,
    value: 600
  });
  wire = new Wire();
  client = wire.client();
  followProject(client);
  client.project = project;
  filter = new State(NO_FILTER);
  calls = [];
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    upstream: null,
    changes: [change],
    operation: null,
    actions: [],
    outbox: []
  };
  const listed = { ...snapshot, proof: null };
  wire.answers['GET /snapshots'] = { items: [listed], next_cursor: null };
  wire.answers['GET /snapshots/f00dfeed00'] = snapshot;
});

afterEach(() => {
  view.dispose();
});

async function changes(): Promise<[HTMLElement, CommitDraft]> {
  const draft = new CommitDraft(client);
  const actions = {
    openDiff: (one: IChange, staged: boolean) =>
      calls.push(`diff ${one.path}${staged ? ' staged' : ''}`),
    stage: (chosen: Selection) => calls.push(`stage ${JSON.stringify(chosen)}`),
    unstage: (chosen: Selection) =>
      calls.push(`unstage ${JSON.stringify(chosen)}`),
    discard: (chosen: Selection) =>
      calls.push(`discard ${JSON.stringify(chosen)}`),
    resolve: (one: IConflict) => calls.push(`resolve ${one.path}`),
    advance: (operation: string, action: OperationAction) =>
      calls.push(`${action} ${operation}`),
    returnToHead: () => calls.push('return'),
    newBranch: () => calls.push('new branch'),
    switchBranch: () => calls.push('switch branch'),
    track: (paths: readonly string[]) => calls.push(`track ${paths.join()}`),
    ignore: (paths: readonly string[]) => calls.push(`ignore ${paths.join()}`),
    commitAs: ({ name, email }: IIdentity) => calls.push(`as ${name} ${email}`),
    pullData: (data: readonly IChange[]) =>
      calls.push(`pull ${data.map(one => one.path).join(' ')}`),
    commit: (options: ICommitOptions = {}) =>
      calls.push(
        [
          options.staged ? 'commit staged' : 'commit',
          ...(options.leaveOut ?? [])
        ].join(' ')
      )
  };
  view = changesView({
    client,
    draft,
    actions,
    selected: new State(NONE_SELECTED),
    isTree: new State(false)
  });
  return [await show(view), draft];
}

async function history(): Promise<HTMLElement> {
  const note = (word: string) => (one: ISnapshot) =>
    calls.push(`${word} ${one.id}`);
  const actions = {
    restore: note('restore'),
    compare: note('compare'),
    copyId: note('copy'),
    verify: note('verify'),
    openChange: note('open')
  };
  view = historyView({ client, filter, actions });
  return show(view);
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
  const [node, draft] = await changes();
  button(node, '.jp-mlws-CommitButton').click();
  expect(calls).toEqual([]);
  expect(document.activeElement).toBe(node.querySelector('textarea'));
  draft.message.value = 'why';
  await rest();
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
    actions: [],
    outbox: []
  };
  const [node, draft] = await changes();
  // Changed again since it was staged: it is in both lists.
  expect(node.querySelectorAll('[data-mlws-path="a.py"]')).toHaveLength(2);
  button(node, '.jp-mlws-StageButton').click();
  button(node, '.jp-mlws-UnstageButton').click();
  // git contains data by its .dvc file only.
  expect(node.querySelectorAll('.jp-mlws-StageButton')).toHaveLength(1);
  draft.message.value = 'why';
  await rest();
  expect(button(node, '.jp-mlws-CommitButton').textContent).toBe(
    'Commit Staged (1)'
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
    actions: [],
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
    actions: [],
    outbox: [],
    restored: { commit: 'd304bd64aa', short: 'd304bd64', subject: 'Before' }
  };
  const [node, draft] = await changes();
  expect(node.querySelector('.jp-mlws-Restored')!.textContent).toContain(
    'Files restored from d304bd64 “Before”.'
  );
  button(node, '.jp-mlws-ReturnButton').click();
  expect(calls).toEqual(['return']);
  button(node, '.jp-mlws-KeepButton').click();
  expect(draft.message.value).toBe('Restore “Before”');
});

it('offers to pull data that a clone lacks, and not to commit it', async () => {
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: [{ ...change, state: 'not_pulled' }],
    operation: null,
    actions: [],
    outbox: []
  };
  const [node, draft] = await changes();
  draft.message.value = 'why';
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
    actions: ['continue', 'abort'],
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
  const [node] = await changes();
  expect(node.querySelector('.jp-mlws-CommitBox')).toBeNull();
  expect(node.textContent).toContain('Merging “topic” into “main”');
  expect(node.querySelector('.jp-mlws-ContinueButton')).toBeNull();
  expect(node.textContent).toContain('1 file has conflicts.');
  button(node, '.jp-mlws-Conflict').click();
  wire.answers['GET /git/conflicts'] = {
    operation: 'merge',
    ours: 'main',
    theirs: 'topic',
    commit: 'b',
    items: []
  };
  await view.refresh();
  await rest();
  button(node, '.jp-mlws-ContinueButton').click();
  button(node, '.jp-mlws-AbortButton').click();
  expect(calls).toEqual(['resolve a.py', 'continue merge', 'abort merge']);
});

it.each<[string, OperationAction[], string[]]>([
  [
    'rebase',
    ['continue', 'skip', 'abort'],
    ['Continue Rebase', 'Skip Commit', 'Abort Rebase…']
  ],
  ['bisect', ['skip', 'abort'], ['Skip Commit', 'Abort Bisect…']],
  ['restore', ['continue', 'abort'], ['Finish Restore', 'Abort Restore…']]
])('names a %s that waits', async (operation, actions, labels) => {
  wire.answers['GET /git/status'] = {
    branch: null,
    head: 'a',
    changes: [change],
    operation,
    actions,
    outbox: []
  };
  wire.answers['GET /git/conflicts'] = {
    operation,
    ours: null,
    theirs: null,
    commit: null,
    items: []
  };
  const [node] = await changes();
  expect(node.querySelector('.jp-mlws-CommitBox')).toBeNull();
  const buttons = [
    ...node.querySelectorAll<HTMLButtonElement>('.jp-mlws-MergePanel button')
  ];
  expect(buttons.map(one => one.textContent)).toEqual(labels);
  buttons.forEach(one => one.click());
  expect(calls).toEqual(actions.map(action => `${action} ${operation}`));
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
  const [node, draft] = await changes();
  wire.answers['POST /snapshots'] = () =>
    failure(423, '30103', 'In use by Ann.');
  draft.message.value = 'why';
  await draft.commit('…', async () => undefined, {});
  await rest();
  const alert = node.querySelector('[role=alert]');
  expect(alert?.textContent).toContain('In use by Ann.');
  expect(alert?.textContent).toContain('Do this.');
});

it('keeps the cursor in the middle of a message', async () => {
  const [node, draft] = await changes();
  draft.message.value = 'one three';
  await rest();
  const box = node.querySelector<HTMLTextAreaElement>('.jp-mlws-CommitBox')!;
  const set = Object.getOwnPropertyDescriptor(
    HTMLTextAreaElement.prototype,
    'value'
  )!.set!;
  set.call(box, 'one two three');
  box.setSelectionRange(8, 8);
  box.dispatchEvent(new Event('input', { bubbles: true }));
  expect(draft.message.value).toBe('one two three');
  expect([box.value, box.selectionStart]).toEqual(['one two three', 8]);
  await rest();
  expect([box.value, box.selectionStart]).toEqual(['one two three', 8]);
});

it('draws no row of the changes anew while a message is typed', async () => {
  const [node, draft] = await changes();
  const words = vi.spyOn(trans, '__');
  const draws = (word: string) =>
    words.mock.calls.filter(([one]) => one === word).length;
  for (const text of ['w', 'wh', 'why']) {
    draft.message.value = text;
    await rest();
  }
  expect(node.querySelector<HTMLTextAreaElement>('textarea')!.value).toBe(
    'why'
  );
  expect(draws('Commit message')).toBe(3);
  expect(draws('Discard…')).toBe(0);
  words.mockRestore();
});

it('teaches where nothing changed', async () => {
  wire.answers['GET /git/status'] = {
    branch: 'main',
    head: 'a',
    changes: [],
    operation: null,
    actions: [],
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

const listed = () =>
  [...view.node.querySelectorAll<HTMLElement>('[data-mlws-snapshot]')].map(
    one => one.dataset.mlwsSnapshot
  );
const item = (id: string): ISnapshot => ({ ...snapshot, id });

it('shows older snapshots when asked, and keeps them below new ones of the branch alone', async () => {
  const top = (...ids: string[]) => {
    wire.answers['GET /snapshots'] = (_: unknown, url: URL) =>
      url.searchParams.has('cursor')
        ? { items: [item('old')], next_cursor: null }
        : { items: ids.map(item), next_cursor: 'c' };
  };
  top('new');
  const node = await history();
  // At the end, older commits are loaded automatically.
  await rest();
  expect(listed()).toEqual(['new', 'old']);
  top('newest', 'new');
  await view.refresh();
  await rest();
  expect(listed()).toEqual(['newest', 'new', 'old']);
  wire.answers['GET /snapshots'] = {
    items: ['other', 'old'].map(item),
    next_cursor: null
  };
  await view.refresh();
  await rest();
  expect(listed()).toEqual(['other', 'old']);
  expect(node.textContent).not.toContain('Show Older');
});

it('sends the filter as a search, and draws no lines where snapshots are left out', async () => {
  const node = await history();
  expect(node.querySelector('.jp-mlws-Graph')).not.toBeNull();
  filter.value = { ...NO_FILTER, q: 'wine', author: 'Ann' };
  await rest();
  const { searchParams } = wire.requests.at(-1)!.url;
  expect(searchParams.get('q')).toBe('wine');
  expect(searchParams.get('author')).toBe('Ann');
  expect(node.querySelector('.jp-mlws-Graph')).toBeNull();
  filter.value = { ...NO_FILTER, all: true };
  await rest();
  expect(node.querySelector('.jp-mlws-Graph')).not.toBeNull();
});

it('expands a snapshot, or tells why it cannot', async () => {
  wire.answers['GET /snapshots'] = {
    items: [item('new'), item('gone')],
    next_cursor: null
  };
  wire.answers['GET /snapshots/new'] = {
    ...item('new'),
    message: 'One\n\nIts body',
    changes: [],
    data: [],
    runs: []
  };
  wire.answers['GET /snapshots/gone'] = () => failure(404, '30404', 'Gone.');
  const node = await history();
  const heads = node.querySelectorAll<HTMLElement>('.jp-mlws-Snapshot-head');
  heads.forEach(head => head.click());
  await rest();
  expect(node.textContent).toContain('Its body');
  expect(node.textContent).toContain('Gone.');
  heads[0].click();
  await rest();
  expect(node.textContent).not.toContain('Its body');
});

it('moves through the snapshots with the arrow keys, and to one with Tab', async () => {
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
  await rest();
  expect([first.tabIndex, second.tabIndex]).toEqual([-1, 0]);
  press('Home');
  expect(document.activeElement).toBe(first);
});

/** The labels of the buttons below the commit box. */
const labels = (node: HTMLElement): string[] =>
  [...node.querySelectorAll('.jp-mlws-Changes > * > button, button')]
    .map(one => one.textContent ?? '')
    .filter(label => /Leave Out|Ignore|Secrets|Track|Unstage$/.test(label));

async function failWith(code: string, paths: string[]): Promise<HTMLElement> {
  const changed = ['new.env', 'old.py'].map(path => ({
    ...change,
    path,
    kind: 'code',
    state: path === 'old.py' ? 'modified' : 'untracked'
  }));
  const status = wire.answers['GET /git/status'] as object;
  wire.answers['GET /git/status'] = { ...status, changes: changed };
  wire.answers['POST /snapshots'] = () =>
    failure(400, code, 'Refused.', { paths });
  const [node, draft] = await changes();
  draft.message.value = 'why';
  await draft.commit('', () => Promise.resolve(), {});
  await rest();
  return node;
}

const press = (node: HTMLElement, label: string): void =>
  [...node.querySelectorAll('button')]
    .find(one => one.textContent === label)!
    .click();

it('leaves out or ignores files that may hold secrets', async () => {
  const node = await failWith('30206', ['new.env', 'old.py']);
  expect(labels(node)).toEqual([
    'Leave Out',
    'Ignore File',
    'Not Secrets, Commit Anyway'
  ]);
  press(node, 'Leave Out');
  press(node, 'Ignore File');
  expect(calls).toEqual(['commit new.env old.py', 'ignore new.env']);
});

it('asks who commits', async () => {
  const node = await failWith('30205', []);
  const form = node.querySelector<HTMLFormElement>('.jp-mlws-IdentityForm')!;
  const [name, email] = form.querySelectorAll('input');
  expect(form.checkValidity()).toBe(false);
  [name.value, email.value] = [' Ann ', 'ann@example.com'];
  expect(form.checkValidity()).toBe(true);
  press(node, 'Save and Commit');
  expect(calls).toEqual(['as Ann ann@example.com']);
  // The commands for a terminal are not needed then.
  expect(node.textContent).not.toContain('git config');
  [name.value, email.value] = ['<', 'ann'];
  expect([name, email].map(one => one.checkValidity())).toEqual([false, false]);
});

it('says which files are too large for git, before and after a commit', async () => {
  const large = {
    ...change,
    kind: 'code',
    state: 'untracked',
    too_large: true
  };
  const changed = [
    { ...large, path: 'big.bin' },
    { ...change, path: 'old.py', kind: 'code' }
  ];
  const status = wire.answers['GET /git/status'] as object;
  wire.answers['GET /git/status'] = { ...status, changes: changed };
  const warning = 'big.bin (12 MB) was not committed.';
  wire.answers['POST /snapshots'] = {
    ...snapshot,
    warnings: [warning, 'Another.'],
    left_out: ['big.bin']
  };
  const [node, draft] = await changes();
  const text = 'big.bin is too large for git. It is left out of commits.';
  expect(node.textContent).toContain(text);
  expect(node.textContent).toContain('Commit 1 Change');
  expect(labels(node)).toEqual(['Track as Data', 'Ignore File']);
  press(node, 'Track as Data');
  press(node, 'Ignore File');
  node.querySelector<HTMLElement>('.jp-mlws-AllButton')!.click();
  expect(calls).toEqual([
    'track big.bin',
    'ignore big.bin',
    'stage {"paths":["old.py"]}'
  ]);
  draft.message.value = 'why';
  await draft.commit('', () => Promise.resolve(), {});
  await rest();
  // Shown once, beside the commit's other warnings.
  expect(node.textContent).toContain(text);
  expect(node.textContent).not.toContain(warning);
  expect(node.textContent).toContain('Another.');
  wire.answers['GET /git/status'] = { ...status, changes: [] };
  await client.refresh('/git/status');
  await rest();
  expect(node.textContent).not.toContain('too large');
});

it('says nothing of a refused commit when its files are gone', async () => {
  const node = await failWith('30210', ['new.env']);
  expect(node.textContent).toContain('Refused.');
  const status = wire.answers['GET /git/status'] as object;
  wire.answers['GET /git/status'] = { ...status, changes: [] };
  await client.refresh('/git/status');
  await rest();
  expect(node.textContent).not.toContain('Refused.');
  expect(labels(node)).toEqual([]);
});
