import { afterEach, expect, it } from 'vitest';

import { project, rest, show, Wire } from '../../__tests__/server';
import { followProject } from '../../api/invalidation';
import type { ServerView } from '../../ui/server';
import { followRuns, workflowsView } from './view';

const PATH = 'workflows/wine/dvc.yaml';

let view: ServerView;

afterEach(() => {
  view.dispose();
});

async function setUp() {
  const wire = new Wire();
  const run = { id: '20261125-093000-ab12cd', status: 'RUNNING' };
  wire.answers['GET /workflows'] = {
    items: [{ path: PATH, run }],
    next_cursor: null
  };
  const client = wire.client();
  client.project = project;
  followProject(client);
  followRuns(client, client.stream('/workflows/status'));
  view = workflowsView({
    client,
    onOpen: () => undefined,
    onCreate: () => undefined
  });
  const node = await show(view);
  const say = async (run: string, path: string, status: string) => {
    wire.sockets[1].say({
      type: 'run',
      seq: (seq += 1),
      run,
      path,
      status,
      data: { id: run }
    });
    await rest();
  };
  const shown = () =>
    node.querySelector<HTMLElement>('[data-mlws-status]')?.dataset.mlwsStatus;
  let seq = 0;
  const reads = () => wire.requests.length;
  return { shown, say, reads };
}

it('follows the newest run without asking the server again', async () => {
  const { shown, say, reads } = await setUp();
  await say('20261125-093000-ab12cd', PATH, 'COMPLETED');
  expect(shown()).toBe('COMPLETED');
  await say('20261125-093100-ffffff', PATH, 'RUNNING');
  expect(shown()).toBe('RUNNING');
  expect(reads()).toBe(1);
});

it('does not go back to an older run', async () => {
  const { shown, say } = await setUp();
  await say('20261125-080000-000000', PATH, 'CANCELLED');
  expect(shown()).toBe('RUNNING');
});

it('reads the list anew when a workflow runs that it does not know', async () => {
  const { say, reads } = await setUp();
  await say('20261125-093100-ffffff', 'other/dvc.yaml', 'RUNNING');
  expect(reads()).toBe(2);
});
