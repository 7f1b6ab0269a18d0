import { expect, it } from 'vitest';

import { failure, project, Wire } from '../../__tests__/server';
import { CommitDraft } from './commit';

function setUp() {
  const wire = new Wire();
  const client = wire.client();
  client.project = project;
  return { wire, client, draft: new CommitDraft(client) };
}

it('saves first, then sends the message and forgets it', async () => {
  const { wire, draft } = setUp();
  const order: string[] = [];
  wire.answers['POST /snapshots'] = (body: { message: string }) => {
    order.push(`commit ${body.message}`);
    return { id: 'b', subject: 'second' };
  };
  draft.message.value = 'second\n';
  const snapshot = await draft.commit(
    '…',
    async () => {
      order.push('save');
      expect(draft.progress.value.busy).toBe('…');
    },
    {}
  );
  expect(order).toEqual(['save', 'commit second']);
  expect(snapshot?.id).toBe('b');
  expect(draft.message.value).toBe('');
  expect(draft.progress.value.busy).toBeNull();
});

it('keeps the message and tells the reason when it fails, until it is written anew', async () => {
  const { wire, draft } = setUp();
  wire.answers['POST /snapshots'] = () =>
    failure(423, '30103', 'In use by Ann.');
  draft.message.value = 'second';
  expect(await draft.commit('…', async () => undefined, {})).toBeNull();
  expect(draft.message.value).toBe('second');
  expect(draft.progress.value.error?.message).toBe('In use by Ann.');
  draft.message.value = 'second one';
  expect(draft.progress.value.error).toBeNull();
});

it('needs a message, which belongs to the project', async () => {
  const { wire, client, draft } = setUp();
  draft.message.value = '  \n';
  expect(await draft.commit('…', async () => undefined, {})).toBeNull();
  expect(wire.requests).toEqual([]);
  draft.message.value = 'why';
  client.project = { ...project, id: 'other' };
  expect(draft.message.value).toBe('');
});
