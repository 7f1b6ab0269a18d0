import { QueryObserver } from '@tanstack/react-query';
import { expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../../__tests__/server';
import { followProject } from '../../api/invalidation';
import type { IGitStatus } from '../../api/models';
import { knownStatus, readStatusByParts } from './status';

const status = {
  branch: 'main',
  head: 'a',
  changes: [],
  operation: null
} as unknown as IGitStatus;

async function setUp() {
  const wire = new Wire();
  wire.answers['GET /git/status'] = () => status;
  const client = wire.client();
  client.project = project;
  readStatusByParts(client, client.stream('/workspace/status'));
  followProject(client);
  const observer = new QueryObserver(client.queries, {
    queryKey: ['/git/status', {}]
  });
  observer.subscribe(() => undefined);
  await settle();
  let seq = 0;
  const say = async (areas: string[], paths?: string[]) => {
    seq += 1;
    const message = { type: 'workspace', seq, areas };
    wire.sockets[0].say(paths ? { ...message, paths } : message);
    await settle();
  };
  const asked = () =>
    wire.requests.map(one => one.url.searchParams.getAll('paths'));
  const shown = () => knownStatus(client)?.changes.map(one => one.path);
  return { wire, client, say, asked, shown };
}

const row = (path: string, more: object = {}) => ({
  path,
  kind: 'code',
  state: 'modified',
  staged: false,
  old_path: null,
  ...more
});

it('is read for the files alone that the workspace names', async () => {
  const { wire, client, say, asked, shown } = await setUp();
  const set = (...changes: object[]) =>
    (wire.answers['GET /git/status'] = { ...status, changes });
  set(row('a.py'), row('c.py'), row('data', { kind: 'data' }));
  await client.refresh('/git/status');
  set(row('b.py'));
  await say(['changes'], ['b.py', 'a.py', 'data/one.csv']);
  expect(asked().at(-1)).toEqual(['b.py', 'a.py', 'data/one.csv']);
  expect(shown()).toEqual(['b.py', 'c.py']);
  await say(['components']);
  expect(asked()).toHaveLength(3);
  await say(['changes']);
  expect(asked().at(-1)).toEqual([]);
  expect(shown()).toEqual(['b.py']);
  // Both ends of a rename are reported together.
  set(row('new.py', { old_path: 'old.py', staged: true }));
  await say(['history']);
  await say(['changes'], ['new.py']);
  expect(asked().at(-1)).toEqual([]);
});

it('is read as a whole after an attempt that failed, and when asked to', async () => {
  const { wire, client, say, asked } = await setUp();
  wire.answers['GET /git/status'] = () => failure(500, '50101', 'Our fault.');
  await say(['changes'], ['a.py']);
  wire.answers['GET /git/status'] = status;
  await say(['changes'], ['b.py']);
  expect(asked().slice(1)).toEqual([['a.py'], []]);
  await client.refresh('/git/status');
  expect(asked().at(-1)).toEqual([]);
});
