import { expect, it } from 'vitest';

import { container } from '../../__tests__/containers';
import type { ContainerStatus } from '../../api/models';
import { filterContainers, sortContainers, type Column } from './order';

const usage = (cpu: number) => ({
  cpu,
  memory: 0,
  memory_limit: 0,
  processes: 1,
  time: ''
});
const containers = [
  container({ user: 'bob', status: 'STOPPED', started_at: null }),
  container({ user: 'ada', name: 'b', usage: usage(0.1), restarts: 2 }),
  container({ user: 'ada', name: 'a', usage: usage(1.5) }),
  container({ user: 'cid', status: 'CRASHED', node: 'two' })
];

function sorted(column: Column, descending = false): string[] {
  return sortContainers(containers, { column, descending }).map(one => one.id);
}

it('sorts by what people read, equals by owner and name', () => {
  expect(sorted('user')).toEqual([
    'ada--a',
    'ada--b',
    'bob--default',
    'cid--default'
  ]);
  expect(sorted('cpu', true).slice(0, 2)).toEqual(['ada--a', 'ada--b']);
  expect(sorted('restarts', true)[0]).toBe('ada--b');
});

it('puts what needs somebody before what runs', () => {
  expect(sorted('status')).toEqual([
    'cid--default',
    'ada--a',
    'ada--b',
    'bob--default'
  ]);
});

it('finds by owner, name, image and machine, in a state', () => {
  const found = (text: string, status: ContainerStatus | '' = '') =>
    filterContainers(containers, text, status).map(one => one.id);
  expect(found('BOB ')).toEqual(['bob--default']);
  expect(found('two')).toEqual(['cid--default']);
  expect(found('mlws')).toHaveLength(4);
  expect(found('default', 'STOPPED')).toEqual(['bob--default']);
});
