import { Notification } from '@jupyterlab/apputils';
import { expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../__tests__/server';
import { RunningRuns } from './running';

const PATH = 'workflows/wine/dvc.yaml';
const ID = 'workflows~1wine~1dvc.yaml';

function setUp() {
  const wire = new Wire();
  const run = (id: string, status: string) => ({
    path: PATH,
    run: { id, workflow: ID, path: PATH, status }
  });
  wire.answers['GET /workflows'] = {
    items: [run('one', 'RUNNING'), run('two', 'COMPLETED')],
    next_cursor: null
  };
  const client = wire.client();
  client.project = project;
  const opened: string[] = [];
  const manager = new RunningRuns(
    client,
    client.stream('/workflows/status'),
    path => opened.push(path)
  );
  const say = (id: string, status: string) =>
    wire.sockets[0].say({
      type: 'run',
      seq: (seq += 1),
      run: id,
      path: PATH,
      status,
      data: { id, workflow: ID, path: PATH }
    });
  let seq = 0;
  return { wire, manager, opened, say };
}

it('asks for runs when the panel is shown, and follows their events', async () => {
  const { wire, manager, say } = setUp();
  expect(wire.requests).toHaveLength(0);
  await manager.refreshRunning();
  expect(manager.running()).toHaveLength(1);
  say('three', 'PENDING');
  expect(manager.running()).toHaveLength(2);
  say('one', 'FAILED');
  expect(manager.running().map(item => item.labelTitle?.())).toEqual(['three']);
});

it('opens the workflow of a run, and stops the run', async () => {
  const { wire, manager, opened } = setUp();
  await manager.refreshRunning();
  const [item] = manager.running();
  expect(item.label()).toBe(PATH);
  item.open?.();
  expect(opened).toEqual([PATH]);
  wire.answers[`POST /workflows/${encodeURIComponent(ID)}/runs/one/cancel`] =
    {};
  item.shutdown?.();
  await settle();
  expect(wire.requests.map(request => request.method)).toEqual(['GET', 'POST']);
});

it('reads the runs again after a reset only if the panel was shown', async () => {
  const { wire, manager } = setUp();
  wire.sockets[0].say({ type: 'reset', seq: 9 });
  await settle();
  expect(wire.requests).toHaveLength(0);
  await manager.refreshRunning();
  wire.sockets[0].say({ type: 'reset', seq: 10 });
  await settle();
  expect(wire.requests).toHaveLength(2);
});

it('reports a run that cannot be stopped, and runs that cannot be read', async () => {
  const { wire, manager } = setUp();
  await manager.refreshRunning();
  const path = `POST /workflows/${encodeURIComponent(ID)}/runs/one/cancel`;
  wire.answers[path] = () => failure(409, '40902', 'It has ended.');
  manager.shutdownAll();
  wire.answers['GET /workflows'] = () => failure(500, '50001', 'Out of order.');
  await manager.refreshRunning();
  await settle();
  const messages = Notification.manager.notifications.map(one => one.message);
  expect(messages.join()).toContain('It has ended.');
  expect(messages.join()).toContain('Out of order.');
});
