import { expect, it } from 'vitest';

import { project, settle, Wire } from '../__tests__/server';
import type { IOperation } from '../api/models';
import { followOperation } from './tracker';

const begun = { id: 'op', state: 'PENDING', done: 0, total: 10 } as IOperation;

it('follows an operation to its end', async () => {
  const wire = new Wire();
  let state = { ...begun, state: 'RUNNING' };
  wire.answers['GET /operations/op'] = () => state;
  const client = wire.client();
  client.project = project;
  const done: number[] = [];
  const end = followOperation(client, begun, operation =>
    done.push(operation.done)
  );
  const [socket] = wire.sockets;
  socket.say({
    type: 'operation',
    seq: 1,
    id: 'another',
    state: 'COMPLETED',
    done: 1
  });
  socket.say({
    type: 'operation',
    seq: 2,
    id: 'op',
    state: 'RUNNING',
    done: 5
  });
  await settle();
  state = { ...begun, state: 'COMPLETED', done: 10, result: 'it' };
  socket.say({
    type: 'operation',
    seq: 3,
    id: 'op',
    state: 'COMPLETED',
    done: 10
  });
  expect((await end).result).toBe('it');
  expect(done).toContain(5);
  expect(socket.closed).toBe(true);
});

it('sees an end that came before it could listen', async () => {
  const wire = new Wire();
  wire.answers['GET /operations/op'] = { ...begun, state: 'FAILED' };
  const client = wire.client();
  client.project = project;
  expect((await followOperation(client, begun, () => undefined)).state).toBe(
    'FAILED'
  );
});

it('hears nothing of what it was before, once it has ended', async () => {
  const wire = new Wire();
  const states: string[] = [];
  let late: (() => void) | null = null;
  let asked = 0;
  wire.answers['GET /operations/op'] = () => {
    asked += 1;
    return { ...begun, state: asked === 1 ? 'RUNNING' : 'COMPLETED' };
  };
  const client = wire.client();
  client.project = project;
  const get = client.get.bind(client);
  client.get = (async (path: `/operations/${string}`) => {
    const answer = await get(path);
    if (asked === 1) {
      await new Promise<void>(resolve => (late = resolve));
    }
    return answer;
  }) as typeof client.get;
  const end = followOperation(client, begun, one => states.push(one.state));
  await settle();
  wire.sockets[0].say({
    type: 'operation',
    seq: 1,
    id: 'op',
    state: 'COMPLETED'
  });
  await end;
  late!();
  await settle();
  expect(states).toEqual(['COMPLETED']);
});
