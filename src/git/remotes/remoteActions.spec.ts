import { Notification } from '@jupyterlab/apputils';
import { expect, it } from 'vitest';

import { Wire } from '../../__tests__/server';
import type { OpenDocuments } from '../../lab/documents';
import { Work } from '../../lab/work';
import { RemoteActions } from './remoteActions';

it('offers to set up a data remote or to push the code alone', async () => {
  const wire = new Wire();
  const client = wire.client();
  const operation = { id: 'o', kind: 'push', state: 'RUNNING', question: null };
  wire.answers['GET /git/remotes'] = {
    items: [{ name: 'origin', url: 'x' }],
    next_cursor: null
  };
  wire.answers['POST /git/push'] = operation;
  wire.answers['GET /operations/o'] = {
    ...operation,
    state: 'FAILED',
    error: { code: '30214', message: 'No data remote is configured.' }
  };
  const setUp: string[] = [];
  const work = new Work(client, {} as OpenDocuments);
  const actions = new RemoteActions(client, work, () =>
    setUp.push('data remote')
  );
  const pushed = () =>
    wire.requests
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => body.code_only);
  const offer = () =>
    Notification.manager.notifications.find(one => one.type === 'error')
      ?.options.actions ?? [];
  void actions.push();
  await expect
    .poll(() => offer().map(({ label }) => label))
    .toEqual(['Set Up Data Remote…', 'Push Code Only']);
  const [remote, codeOnly] = offer();
  const click = new MouseEvent('click');
  remote.callback(click);
  codeOnly.callback(click);
  await expect.poll(pushed).toEqual([false, true]);
  expect(setUp).toEqual(['data remote']);
});

it('says how many runs were pushed, and which were not', async () => {
  const wire = new Wire();
  const operation = { id: 'o', kind: 'push', state: 'COMPLETED', progress: {} };
  wire.answers['GET /git/remotes'] = {
    items: [{ name: 'origin', url: 'x' }],
    next_cursor: null
  };
  wire.answers['POST /git/push'] = operation;
  wire.answers['GET /operations/o'] = {
    ...operation,
    result: {
      remote: 'origin',
      branch: 'main',
      commits: 1,
      runs: 2,
      warnings: ['Run r was not pushed.']
    }
  };
  const work = new Work(wire.client(), {} as OpenDocuments);
  void new RemoteActions(wire.client(), work, () => undefined).push();
  await expect
    .poll(() => Notification.manager.notifications.map(one => one.message))
    .toContain(
      'Pushed 1 commit of “main” to origin. 2 runs. Run r was not pushed.'
    );
});
