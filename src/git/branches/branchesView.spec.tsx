import { expect, it } from 'vitest';

import { project, rest, show, Wire } from '../../__tests__/server';
import type { IStash } from '../../api/models';
import type { BranchActions } from './branchActions';
import { branchesView } from './branchesView';
import type { RemoteActions } from '../remotes/remoteActions';

const stash: IStash = {
  id: 'abc',
  message: 'Half done',
  branch: 'main',
  base: 'a',
  timestamp: '2026-11-25T12:00:00Z',
  files: ['new.py', 'train.py']
};

it('shows the files of a stash on a click, and pops it by its button only', async () => {
  const wire = new Wire();
  const none = { items: [], next_cursor: null };
  for (const path of [
    'branches',
    'tags',
    'safety',
    'remotes',
    'worktrees',
    'submodules'
  ]) {
    wire.answers[`GET /git/${path}`] = none;
  }
  wire.answers['GET /git/stashes'] = { items: [stash], next_cursor: null };
  const client = wire.client();
  client.project = project;
  const calls: string[] = [];
  const actions = {
    applyStash: (one: IStash, keep: boolean) =>
      calls.push(keep ? `apply ${one.id}` : `pop ${one.id}`)
  } as unknown as BranchActions;
  const view = branchesView({
    client,
    actions,
    remotes: {} as RemoteActions,
    goBack: () => undefined,
    reveal: () => undefined,
    onCompare: () => undefined
  });
  await show(view);
  const row = view.node.querySelector<HTMLElement>('.jp-mlws-Stash')!;
  const click = (selector: string) =>
    row.querySelector<HTMLElement>(selector)!.click();
  click('[data-mlws-row]');
  await rest();
  expect(calls).toEqual([]);
  expect(
    [...row.querySelectorAll('.jp-mlws-Stash-files li')].map(
      one => one.textContent
    )
  ).toEqual(stash.files);
  click('.jp-mlws-ApplyButton');
  click('.jp-mlws-PopButton');
  expect(calls).toEqual(['apply abc', 'pop abc']);
  view.dispose();
});
