import { Notification } from '@jupyterlab/apputils';
import { beforeEach, expect, it } from 'vitest';

import { project, settle, Wire } from '../__tests__/server';
import { ResumedRunNotices } from './resumedRuns';

const PATH = 'dvc.yaml';

// Other tests of the same process have left notifications.
beforeEach(() => {
  Notification.dismiss();
  localStorage.clear();
});

const messages = (): string[] =>
  Notification.manager.notifications.map(({ message }) => message);

const labels = (): string[] =>
  Notification.manager.notifications.flatMap(({ options }) =>
    (options.actions ?? []).map(({ label }) => label)
  );

function run(id: string, status: string, facts: object = {}) {
  const origin = { origin: 'automatic', resumes: 'one' };
  return { id, workflow: PATH, path: PATH, status, ...origin, ...facts };
}

function setUp(newest: object | null = null) {
  const wire = new Wire();
  wire.answers['GET /workflows'] = {
    items: [{ path: PATH, run: newest }],
    next_cursor: null
  };
  wire.answers['GET /workflows/dvc.yaml/runs/one'] = {
    counts: { COMPLETED: 2, CACHED: 1, INTERRUPTED: 3 }
  };
  wire.answers['POST /workflows/dvc.yaml/runs/two/cancel'] = {};
  const client = wire.client();
  client.project = project;
  const opened: string[] = [];
  new ResumedRunNotices(client, client.stream('/workflows/status'), path =>
    opened.push(path)
  );
  let seq = 0;
  const say = async (data: { id: string; status: string }): Promise<void> => {
    const event = { type: 'run', run: data.id, path: PATH, data };
    wire.sockets[0].say({ ...event, status: data.status, seq: (seq += 1) });
    await settle();
  };
  const connect = async (): Promise<void> => {
    wire.sockets[0].say({ type: 'hello', seq: 0 });
    await settle();
  };
  return { wire, opened, say, connect };
}

it('reports a run that the server continues, and opens or stops it', async () => {
  const { wire, opened, say } = setUp();
  await say(run('two', 'PENDING'));
  await say(run('two', 'RUNNING'));
  expect(messages()).toEqual([
    'The run of dvc.yaml was interrupted and continues: 3 of 6 nodes were completed.'
  ]);
  expect(labels()).toEqual(['Show', 'Stop Run']);
  const [{ options }] = Notification.manager.notifications;
  const click = new MouseEvent('click');
  options.actions?.forEach(action => action.callback(click));
  await settle();
  expect(opened).toEqual([PATH]);
  expect(wire.requests.at(-1)?.url.pathname).toContain('/runs/two/cancel');
});

it('says how the run ended, without the button that stops it', async () => {
  const { say } = setUp();
  await say(run('two', 'PENDING'));
  await say(run('two', 'COMPLETED'));
  expect(messages()).toEqual([
    'The run of dvc.yaml was interrupted and continued automatically: completed.'
  ]);
  expect(labels()).toEqual(['Show']);
});

it('reports a run that began before the page was opened, once', async () => {
  const ended = new Date().toISOString();
  const { connect } = setUp(run('two', 'FAILED', { ended }));
  await connect();
  await connect();
  expect(messages()).toEqual([
    'The run of dvc.yaml was interrupted and continued automatically: failed.'
  ]);
  Notification.dismiss();
  const { connect: again } = setUp(run('two', 'FAILED', { ended }));
  await again();
  expect(messages()).toEqual([]);
});

it.each([
  ['of a user', run('two', 'RUNNING', { origin: 'canvas' })],
  ['of long ago', run('two', 'FAILED', { ended: '2020-01-01T00:00:00Z' })],
  ['of no workflow', null]
])('does not report a run %s', async (_, newest) => {
  const { connect } = setUp(newest);
  await connect();
  expect(messages()).toEqual([]);
});

it('says how a run ended that ended while its nodes were counted', async () => {
  const { wire, say } = setUp();
  const path = 'GET /workflows/dvc.yaml/runs/one';
  const { [path]: counts } = wire.answers;
  let answer: (data: unknown) => void = () => undefined;
  wire.answers[path] = () => new Promise(resolve => (answer = resolve));
  await say(run('two', 'PENDING'));
  await say(run('two', 'COMPLETED'));
  answer(counts);
  await settle();
  expect(messages().join()).toContain('continued automatically: completed.');
});

it('reports runs also if the stored list is not valid', async () => {
  localStorage.setItem('mlws-resumed-runs', '{');
  const { say } = setUp();
  await say(run('two', 'PENDING'));
  expect(messages()).toHaveLength(1);
});
