import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { expect, it } from 'vitest';

import { project, settle, Wire } from '../__tests__/server';
import type { IStash } from '../api/models';
import type { BranchActions } from './branchActions';
import { BranchesModel } from './branches';
import { BranchesView } from './branchesView';
import type { RemoteActions } from './remoteActions';

const stash: IStash = {
  id: 'abc',
  message: 'Half done',
  branch: 'main',
  base: 'a',
  timestamp: '2026-11-25T12:00:00Z',
  files: ['new.py', 'train.py']
};

async function rest(): Promise<void> {
  await settle();
  MessageLoop.flush();
  await new Promise(resolve => setTimeout(resolve, 20));
}

it('shows the files of a stash on a click, and pops it by its button only', async () => {
  const wire = new Wire();
  const none = { items: [], next_cursor: null };
  for (const path of ['branches', 'tags', 'safety', 'remotes']) {
    wire.answers[`GET /git/${path}`] = none;
  }
  wire.answers['GET /git/stashes'] = { items: [stash], next_cursor: null };
  const client = wire.client();
  client.project = project;
  const model = new BranchesModel(client, client.stream('/workspace/status'), [
    'branches'
  ]);
  const calls: string[] = [];
  const actions = {
    applyStash: (one: IStash, keep: boolean) =>
      calls.push(keep ? `apply ${one.id}` : `pop ${one.id}`)
  } as unknown as BranchActions;
  const trans = nullTranslator.load('jupyter_mlws');
  const view = new BranchesView(
    model,
    actions,
    {} as RemoteActions,
    'en',
    trans
  );
  Widget.attach(view, document.body);
  model.active = true;
  await rest();
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
