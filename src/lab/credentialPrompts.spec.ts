import { Dialog } from '@jupyterlab/apputils';
import { MessageLoop } from '@lumino/messaging';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { failure, settle, Wire } from '../__tests__/server';
import { CredentialPrompts } from './credentialPrompts';

let wire: Wire;
let questions: CredentialPrompts;

const waiting = (prompt: string, secret: boolean) => ({
  id: 'op1',
  kind: 'push',
  state: 'WAITING',
  question: { prompt, secret }
});

function say(operation: object): void {
  const seq = (said += 1);
  wire.sockets[0].say({ type: 'operation', seq, ...operation });
}

let said = 0;

async function rest(): Promise<void> {
  await settle();
  MessageLoop.flush();
  await new Promise(resolve => setTimeout(resolve, 20));
  await settle();
}

const input = () =>
  document.querySelector<HTMLInputElement>('.jp-mlws-Question input');

const press = async (button: string) => {
  document.querySelector<HTMLElement>(`.jp-Dialog .${button}`)!.click();
  await rest();
};

beforeEach(() => {
  wire = new Wire();
  wire.answers['GET /operations'] = { items: [], next_cursor: null };
  wire.answers['POST /operations/op1/answer'] = {};
  wire.answers['POST /operations/op1/cancel'] = {};
  // Without a project, too: a clone asks as well.
  questions = new CredentialPrompts(wire.client());
});

afterEach(() => {
  questions.dispose();
  Dialog.flush();
});

it('asks what an operation waits for, and hands the answer over', async () => {
  say(waiting('Username for host:', false));
  await rest();
  expect(input()?.type).toBe('text');
  input()!.value = 'ann';
  await press('jp-mod-accept');
  say({ id: 'op1', kind: 'push', state: 'RUNNING', question: null });
  say(waiting('Password for host:', true));
  await rest();
  expect(input()?.type).toBe('password');
  input()!.value = 'secret';
  await press('jp-mod-accept');
  const sent = wire.requests.filter(one => one.method === 'POST');
  expect(sent.map(one => one.body)).toEqual([
    { value: 'ann' },
    { value: 'secret' }
  ]);
  expect(input()).toBeNull();
});

it('asks once, also where the state is told again', async () => {
  say(waiting('Password:', true));
  say(waiting('Password:', true));
  await rest();
  expect(document.querySelectorAll('.jp-mlws-Question')).toHaveLength(1);
});

it('cancels the operation where the person gives up', async () => {
  say(waiting('Password:', true));
  await rest();
  await press('jp-mod-reject');
  const [sent] = wire.requests.filter(one => one.method === 'POST');
  expect(sent.url.pathname).toContain('/operations/op1/cancel');
});

it('takes a question away that somebody else has answered', async () => {
  say(waiting('Password:', true));
  await rest();
  say({ id: 'op1', kind: 'push', state: 'RUNNING', question: null });
  await rest();
  expect(input()).toBeNull();
  expect(wire.requests.filter(one => one.method === 'POST')).toEqual([]);
});

it('says nothing where somebody else was quicker', async () => {
  wire.answers['POST /operations/op1/answer'] = () =>
    failure(409, '30259', 'Nothing is asked.');
  say(waiting('Password:', true));
  await rest();
  await press('jp-mod-accept');
  expect(document.querySelector('.jp-Dialog')).toBeNull();
});

it('finds what was asked before it listened', async () => {
  wire.answers['GET /operations'] = {
    items: [waiting('Password:', true)],
    next_cursor: null
  };
  wire.sockets[0].say({ type: 'hello', seq: 4 });
  await rest();
  expect(input()?.type).toBe('password');
});
