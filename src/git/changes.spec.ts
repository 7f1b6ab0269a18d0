import { describe, expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../__tests__/server';
import type { IGitStatus } from '../api/models';
import { ChangesModel } from './changes';

const status: IGitStatus = {
  branch: 'main',
  head: 'a',
  upstream: null,
  changes: [],
  operation: null,
  lock: null,
  outbox: []
};

function setUp() {
  const wire = new Wire();
  wire.answers['GET /git/status'] = () => status;
  wire.answers['GET /snapshots/a'] = {
    id: 'a',
    subject: 'first',
    proof: { code: true }
  };
  wire.answers['GET /snapshots'] = {
    items: [{ id: 'a', subject: 'first' }],
    next_cursor: null
  };
  const client = wire.client();
  const model = new ChangesModel(client, client.stream('/workspace/status'), [
    'changes'
  ]);
  const reads = () =>
    wire.requests.filter(one => one.url.pathname.endsWith('/status')).length;
  return { wire, client, model, reads };
}

describe('the changes', () => {
  it('are read when there is a project and somebody looks', async () => {
    const { client, model, reads } = setUp();
    client.project = project;
    await settle();
    expect(reads()).toBe(0);
    model.active = true;
    await settle();
    expect(reads()).toBe(1);
    expect(model.status?.branch).toBe('main');
    expect(model.last).toMatchObject({
      subject: 'first',
      proof: { code: true }
    });
  });

  it('are read again when the workspace says so, and only then', async () => {
    const { wire, client, model, reads } = setUp();
    client.project = project;
    model.active = true;
    await settle();
    const [socket] = wire.sockets;
    socket.say({ type: 'workspace', seq: 1, areas: ['components'] });
    await settle();
    expect(reads()).toBe(1);
    socket.say({ type: 'workspace', seq: 2, areas: ['changes'] });
    await settle();
    expect(reads()).toBe(2);
  });

  it('are read for the files alone that the workspace names', async () => {
    const { wire, client, model } = setUp();
    const row = (path: string, more: object = {}) => ({
      path,
      kind: 'code',
      state: 'modified',
      staged: false,
      old_path: null,
      ...more
    });
    let changes: object[] = [
      row('a.py'),
      row('c.py'),
      row('data', { kind: 'data' })
    ];
    wire.answers['GET /git/status'] = () => ({ ...status, changes });
    client.project = project;
    model.active = true;
    await settle();
    const paths = () => model.status?.changes.map(one => one.path);
    const asked = () =>
      wire.requests
        .filter(one => one.url.pathname.endsWith('/git/status'))
        .map(one => one.url.searchParams.getAll('paths'));
    const say = async (seq: number, names?: string[]) => {
      wire.sockets[0].say({
        type: 'workspace',
        seq,
        areas: ['changes'],
        ...(names && { paths: names })
      });
      await settle();
    };
    changes = [row('b.py')];
    await say(1, ['b.py', 'a.py', 'data/one.csv']);
    expect(asked()[1]).toEqual(['b.py', 'a.py', 'data/one.csv']);
    expect(paths()).toEqual(['b.py', 'c.py']);
    await say(2);
    expect(asked()[2]).toEqual([]);
    expect(paths()).toEqual(['b.py']);
    changes = [row('new.py', { old_path: 'old.py', staged: true })];
    await say(3);
    await say(4, ['new.py']);
    expect(asked()[4]).toEqual([]);
  });

  it('are not read while hidden, but afterwards', async () => {
    const { wire, client, model, reads } = setUp();
    client.project = project;
    model.active = true;
    await settle();
    model.active = false;
    wire.sockets[0].say({ type: 'workspace', seq: 1, areas: ['changes'] });
    await settle();
    expect(reads()).toBe(1);
    model.active = true;
    await settle();
    expect(reads()).toBe(2);
  });

  it('share one further reading when they change many times at once', async () => {
    const { wire, client, model, reads } = setUp();
    client.project = project;
    model.active = true;
    for (let seq = 1; seq < 10; seq++) {
      wire.sockets[0].say({ type: 'workspace', seq, areas: ['changes'] });
    }
    await settle();
    expect(reads()).toBe(2);
  });

  it('tell why they cannot be read', async () => {
    const { wire, client, model } = setUp();
    wire.answers['GET /git/status'] = () => failure(500, '50101', 'Our fault.');
    client.project = project;
    model.active = true;
    await settle();
    expect(model.error?.code).toBe('50101');
    expect(model.ready).toBe(false);
  });
});

describe('a commit', () => {
  async function ready() {
    const all = setUp();
    all.client.project = project;
    all.model.active = true;
    await settle();
    return all;
  }

  it('saves first, then sends the message and forgets it', async () => {
    const { wire, model } = await ready();
    const order: string[] = [];
    wire.answers['POST /snapshots'] = (body: any) => {
      order.push(`commit ${body.message}`);
      return { id: 'b', subject: 'second' };
    };
    model.message = 'second\n';
    const made = await model.commit('…', async () => {
      order.push('save');
    });
    expect(order).toEqual(['save', 'commit second']);
    expect(made?.id).toBe('b');
    expect(model.message).toBe('');
    expect(model.busy).toBeNull();
  });

  it('keeps the message and tells the reason when it fails', async () => {
    const { wire, model } = await ready();
    wire.answers['POST /snapshots'] = () =>
      failure(423, '30103', 'In use by Ann.');
    model.message = 'second';
    expect(await model.commit('…', async () => undefined)).toBeNull();
    expect(model.message).toBe('second');
    expect(model.commitError?.message).toBe('In use by Ann.');
  });

  it('needs a message', async () => {
    const { wire, model } = await ready();
    model.message = '  \n';
    expect(model.canCommit).toBe(false);
    expect(await model.commit('…', async () => undefined)).toBeNull();
    expect(wire.requests.some(request => request.method === 'POST')).toBe(
      false
    );
  });
});
