import { expect, it } from 'vitest';

import { project, settle, Wire } from '../../__tests__/server';
import { WorkflowListModel } from './model';

const PATH = 'workflows/wine/dvc.yaml';

async function setUp() {
  const wire = new Wire();
  const run = { id: '20261125-093000-ab12cd', status: 'RUNNING' };
  wire.answers['GET /workflows'] = {
    items: [{ path: PATH, run }],
    next_cursor: null
  };
  const client = wire.client();
  client.project = project;
  const model = new WorkflowListModel(
    client,
    client.stream('/workspace/status'),
    client.stream('/workflows/status')
  );
  model.active = true;
  await settle();
  const say = (run: string, path: string, status: string) =>
    wire.sockets[1].say({
      type: 'run',
      seq: (seq += 1),
      run,
      path,
      status,
      data: { id: run }
    });
  let seq = 0;
  const reads = () => wire.requests.length;
  return { model, say, reads };
}

it('follows the newest run without asking the server again', async () => {
  const { model, say, reads } = await setUp();
  say('20261125-093000-ab12cd', PATH, 'COMPLETED');
  expect(model.items[0].run?.status).toBe('COMPLETED');
  say('20261125-093100-ffffff', PATH, 'RUNNING');
  expect(model.items[0].run?.status).toBe('RUNNING');
  await settle();
  expect(reads()).toBe(1);
});

it('does not go back to an older run', async () => {
  const { model, say } = await setUp();
  say('20261125-080000-000000', PATH, 'CANCELLED');
  expect(model.items[0].run?.status).toBe('RUNNING');
});

it('reads the list anew when a workflow runs that it does not know', async () => {
  const { say, reads } = await setUp();
  say('20261125-093100-ffffff', 'other/dvc.yaml', 'RUNNING');
  await settle();
  expect(reads()).toBe(2);
});
