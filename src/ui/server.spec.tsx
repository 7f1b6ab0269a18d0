import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  failure,
  project,
  rest,
  settle,
  show,
  Wire
} from '../__tests__/server';
import type { MLWSClient } from '../api/client';
import { followProject } from '../api/invalidation';
import { Answer, ServerView, useGet } from './server';

let wire: Wire;
let client: MLWSClient;
let view: ServerView;

function Label(): JSX.Element {
  const answer = useGet(client, '/lineage', { of: 'a' });
  return <Answer of={answer}>{({ of }) => <b>{of}</b>}</Answer>;
}

beforeEach(() => {
  wire = new Wire();
  wire.answers['GET /lineage'] = () => ({ of: `answer ${reads()}` });
  client = wire.client();
  followProject(client);
  const body = () => (
    <>
      <Label />
      <Label />
    </>
  );
  view = new ServerView(client, body, { className: 'a b' });
});

afterEach(() => {
  view.dispose();
});

const reads = () => wire.requests.length;

async function begin(): Promise<void> {
  client.project = project;
  await show(view);
}

const say = async (message: object) => {
  wire.sockets[0].say(message);
  await rest();
};

it('reads once for all that show the same', async () => {
  await begin();
  expect(view.node.textContent).toBe('answer 1answer 1');
  expect(reads()).toBe(1);
});

it('reads nothing before there is a project that is trusted', async () => {
  await show(view);
  client.project = { ...project, trusted: false };
  await rest();
  expect(reads()).toBe(0);
  client.project = project;
  await rest();
  expect(view.node.textContent).toBe('answer 1answer 1');
});

it('reads again when what it shows may have changed, and only then', async () => {
  await begin();
  await say({ type: 'workspace', seq: 1, areas: ['components'] });
  expect(reads()).toBe(1);
  await say({ type: 'workspace', seq: 2, areas: ['history'] });
  expect(reads()).toBe(2);
  wire.sockets[1].say({ type: 'run', seq: 1 });
  await rest();
  expect(reads()).toBe(3);
  // The connection was lost for a while.
  await say({ type: 'hello', seq: 2 });
  expect(view.node.textContent).toBe('answer 4answer 4');
});

it('reads nothing while it cannot be seen, and catches up afterwards', async () => {
  view.active = false;
  await begin();
  expect(reads()).toBe(0);
  view.active = true;
  await rest();
  expect(reads()).toBe(1);
  view.active = false;
  await rest();
  await say({ type: 'workspace', seq: 1, areas: ['history'] });
  expect(reads()).toBe(1);
  view.active = true;
  await rest();
  expect(view.node.textContent).toBe('answer 2answer 2');
});

it('reads once more, however often it changes while an answer is on its way', async () => {
  let release: () => void = () => undefined;
  wire.answers['GET /lineage'] = async () => {
    const label = `answer ${reads()}`;
    await new Promise<void>(resolve => (release = resolve));
    return { of: label };
  };
  await begin();
  for (let seq = 1; seq < 10; seq++) {
    await say({ type: 'workspace', seq, areas: ['history'] });
  }
  expect(reads()).toBe(1);
  release();
  await rest();
  expect(reads()).toBe(2);
  release();
  await rest();
  expect(view.node.textContent).toBe('answer 2answer 2');
  expect(reads()).toBe(2);
});

it('takes null for an answer', async () => {
  wire.answers['GET /git/status'] = null;
  function Status(): JSX.Element {
    const answer = useGet(client, '/git/status');
    return <Answer of={answer}>{data => <b>{String(data)}</b>}</Answer>;
  }
  const body = () => <Status />;
  const other = new ServerView(client, body, { className: 'a' });
  client.project = project;
  expect((await show(other)).textContent).toBe('null');
  other.dispose();
});

it('reports why it cannot read, and tries again when asked', async () => {
  wire.answers['GET /lineage'] = () => failure(500, '50101', 'Our fault.');
  await begin();
  expect(view.node.textContent).toContain('Our fault.');
  wire.answers['GET /lineage'] = { of: 'better' };
  view.node.querySelector('button')!.click();
  await rest();
  expect(view.node.textContent).toBe('betterbetter');
});

it('keeps what it shows below the reason when it cannot read again', async () => {
  await begin();
  wire.answers['GET /lineage'] = () => failure(500, '50101', 'Our fault.');
  await say({ type: 'workspace', seq: 1, areas: ['history'] });
  expect(view.node.textContent).toContain('Our fault.');
  expect(view.node.textContent).toContain('answer 1');
});

it('forgets everything when another project is chosen', async () => {
  await begin();
  const other = { ...project, id: 'other', default: false };
  client.project = other;
  await settle();
  expect(wire.requests[1].url.searchParams.get('project')).toBe('other');
  await rest();
  expect(view.node.textContent).toBe('answer 2answer 2');
  client.project = { ...other, id: 'third', trusted: false };
  await rest();
  expect(view.node.textContent).toBe('Loading…Loading…');
  expect(reads()).toBe(2);
});
