import { PageConfig } from '@jupyterlab/coreutils';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { container, report } from '../../__tests__/containers';
import { failure, rest, show, settle, Wire } from '../../__tests__/server';
import type { MLWSClient } from '../../api/client';
import type { IContainer, IResourceReport } from '../../api/models';
import type { ServerView } from '../../ui/server';
import { hasHub } from './hub';
import { logsView } from './logPanel';
import { ContainersModel } from './model';
import { containersView, type ILabHost } from './section';

const host = { here: 'ada--default' } as ILabHost;
let wire: Wire;
let client: MLWSClient;
let model: ContainersModel;
let view: ServerView;

beforeEach(async () => {
  wire = new Wire();
  wire.answers['GET /containers'] = { items: [container()], next_cursor: null };
  wire.answers['GET /resources'] = report;
  client = wire.client('en', false);
  model = new ContainersModel(client);
  view = containersView(model, host);
  await show(view);
});

afterEach(() => {
  view.dispose();
  PageConfig.setOption('hubPrefix', '');
});

const items = () =>
  client.queries.getQueryData<IContainer[]>(['/containers', {}])!;
const shownReport = () =>
  client.queries.getQueryData<IResourceReport>(['/resources', {}])!;
const later = { updated_at: '2026-11-25T12:02:00Z' };
const paths = () =>
  wire.requests.map(
    ({ method, url }) =>
      `${method} ${url.pathname.replace('/base/mlws/api/v1', '')}`
  );

it('reads containers and resources without naming a project', async () => {
  expect(items().map(one => one.id)).toEqual(['ada--default']);
  expect(shownReport().nodes[0].name).toBe('one');
  expect(wire.requests.map(({ url }) => url.search)).toEqual([
    '?limit=500',
    '',
    ''
  ]);
});

it('reads every page of a long list', async () => {
  wire.answers['GET /containers'] = (_: unknown, url: URL) =>
    url.searchParams.has('cursor')
      ? { items: [container({ user: 'bob' })], next_cursor: null }
      : { items: [container()], next_cursor: 'next' };
  await view.refresh();
  expect(items().map(one => one.user)).toEqual(['ada', 'bob']);
});

it('follows what happens without asking again', () => {
  const asked = wire.requests.length;
  const [socket] = wire.sockets;
  const moves: unknown[] = [];
  model.moved.connect((_, what) => moves.push(what));
  const stopped = container({ status: 'STOPPED', ...later });
  const made = container({ user: 'bob', status: 'QUEUED' });
  socket.say({ type: 'container', seq: 1, container: stopped });
  socket.say({ type: 'container', seq: 2, container: made });
  socket.say({ type: 'removed', seq: 3, id: 'ada--default' });
  socket.say({ type: 'resources', seq: 4, report: { ...report, nodes: [] } });
  expect(items()).toEqual([made]);
  expect(shownReport().nodes).toEqual([]);
  expect(moves).toEqual([stopped, made, { removed: stopped }]);
  expect(wire.requests).toHaveLength(asked);
});

it('keeps the newer of an answer and an event that overtook each other', () => {
  const [socket] = wire.sockets;
  const stopped = container({ status: 'STOPPED', ...later });
  socket.say({ type: 'container', seq: 1, container: stopped });
  socket.say({ type: 'container', seq: 2, container: container() });
  expect(items()[0].status).toBe('STOPPED');
});

it('acts, and shows the answer at once', async () => {
  const stopping = container({ status: 'STOPPING', ...later });
  wire.answers['POST /containers/ada--default/stop'] = stopping;
  const done = model.act('stop', 'ada--default');
  expect(model.busy.value.get('ada--default')).toBe('stop');
  await done;
  expect(items()[0].status).toBe('STOPPING');
  expect(model.busy.value.size).toBe(0);
});

it('deletes by the verb of deletion, with the id escaped', async () => {
  wire.answers['DELETE /containers/a%40b--default'] = container();
  await model.act('delete', 'a@b--default');
  expect(paths()).toContain('DELETE /containers/a%40b--default');
});

it('keeps a refusal with its container until it is dismissed', async () => {
  wire.answers['POST /containers/ada--default/start'] = () =>
    failure(409, '10101', 'Not enough memory.');
  await model.act('start', 'ada--default');
  expect(model.failures.value.get('ada--default')?.message).toBe(
    'Not enough memory.'
  );
  model.dismiss('ada--default');
  expect(model.failures.value.size).toBe(0);
});

it('listens only while somebody looks', async () => {
  view.active = false;
  await rest();
  expect(wire.sockets[0].closed).toBe(true);
  view.active = true;
  await rest();
  expect(wire.sockets).toHaveLength(2);
  const asked = wire.requests.length;
  wire.sockets[1].say({ type: 'hello', seq: 7 });
  await settle();
  expect(wire.requests.length).toBeGreaterThan(asked);
  expect(model.connected.value).toBe(true);
});

it('asks why, when the connection breaks', async () => {
  wire.sockets[0].say({ type: 'hello', seq: 1 });
  await settle();
  wire.answers['GET /containers'] = () => failure(403, '50301', 'Signed out.');
  wire.sockets[0].break();
  await settle();
  expect(model.connected.value).toBe(false);
  await rest();
  expect(view.node.textContent).toContain('Signed out.');
  expect(items()).toHaveLength(1);
});

it('asks why, too, when a connection cannot be made', async () => {
  expect(model.lost.value).toBe(false);
  wire.answers['GET /containers'] = () => failure(503, '50102', 'Down.');
  wire.sockets[0].break();
  await settle();
  expect(model.lost.value).toBe(true);
  await rest();
  expect(view.node.textContent).toContain('Down.');
});

it('shows an administrator in the lab only what is theirs', async () => {
  client = wire.client('en', false);
  wire.answers['GET /environments'] = { items: [], next_cursor: null };
  const mine = containersView(new ContainersModel(client, 'bob'), host);
  await show(mine);
  wire.sockets[1].say({ type: 'container', seq: 1, container: container() });
  expect(items()).toEqual([]);
  mine.dispose();
});

it('knows a lab without a Hub by the code of its answer', async () => {
  const client = wire.client('en', false);
  expect(await hasHub(client)).toBe(false);
  PageConfig.setOption('hubPrefix', '/hub/');
  expect(await hasHub(client)).toBe(true);
  wire.answers['GET /containers'] = () => failure(503, '50102', 'Down.');
  expect(await hasHub(client)).toBe(true);
  wire.answers['GET /containers'] = () => failure(503, '10103', 'No Hub.');
  expect(await hasHub(client)).toBe(false);
});

it('shows the end of a log, then follows it, and begins anew after a new start', async () => {
  const line = (seq: number, text: string) => ({ type: 'log', seq, text });
  wire.answers['GET /containers/a%40b--default/logs'] = {
    lines: [line(41, 'one'), line(42, 'two')]
  };
  const logs = logsView(client, 'a@b--default', 'Logs');
  await show(logs);
  const socket = wire.sockets[1];
  expect(socket.url).toContain('/logs/a%40b--default?since=42');
  const texts = async () => {
    await new Promise(resolve => setTimeout(resolve, 60));
    await rest();
    return [...logs.node.querySelectorAll('.jp-mlws-LogLine')].map(
      one => one.textContent
    );
  };
  socket.say({ type: 'hello', seq: 42 });
  socket.say(line(43, 'three'));
  expect(await texts()).toEqual(['one', 'two', 'three']);
  // The list of containers is read again, but not the log.
  await client.refresh('/containers');
  expect(socket.closed).toBe(false);
  socket.say({ type: 'reset', seq: 0 });
  socket.say(line(1, 'again'));
  expect(await texts()).toEqual(['again']);
  logs.dispose();
  expect(socket.closed).toBe(true);
});

it('follows a log whose past cannot be read, and says why it cannot', async () => {
  wire.answers['GET /containers/x--default/logs'] = () =>
    failure(502, '10104', 'The engine is away.');
  const logs = logsView(client, 'x--default', 'Logs');
  await show(logs);
  expect(logs.node.textContent).toContain('The engine is away.');
  expect(wire.sockets[1].url).toContain('since=0');
  logs.dispose();
});
