import { describe, expect, it } from 'vitest';

import type {
  INodeEvent,
  IRun,
  IRunEvent,
  IRunSummary
} from '../../api/models';
import { RunState } from './run';

type Status = IRunSummary['status'];

const summary = (id: string, status: Status): IRunSummary => ({
  id,
  workflow: 'w',
  path: 'dvc.yaml',
  status,
  created: '',
  started: null,
  ended: null,
  duration: null,
  jobs: 1,
  origin: 'cli',
  error: null,
  counts: {},
  mlflow_run: null,
  resumes: null,
  commit: null
});

function run(id: string, states: Record<string, Status>, seq: number): IRun {
  const nodes = Object.entries(states).map(([node, status]) => ({
    id: node,
    status,
    started: null,
    ended: null,
    duration: null,
    exit_code: null,
    reasons: [],
    attempt: 1,
    environment: null,
    error: null,
    progress: null,
    dvc_reason: null
  }));
  return { ...summary(id, 'RUNNING'), nodes, results: {}, last_seq: seq };
}

function nodeEvent(
  seq: number,
  id: string,
  node: string,
  status: Status
): INodeEvent {
  return {
    type: 'node',
    seq,
    time: '',
    run: id,
    workflow: 'w',
    path: 'dvc.yaml',
    node,
    status,
    data: {}
  };
}

function runEvent(seq: number, id: string, status: Status): IRunEvent {
  const data = summary(id, status);
  return {
    type: 'run',
    seq,
    time: '',
    run: id,
    workflow: 'w',
    path: 'dvc.yaml',
    node: null,
    status,
    data
  };
}

describe('RunState', () => {
  it('follows events, whoever started the run', () => {
    const store = new RunState();
    expect(store.apply(runEvent(1, 'r1', 'RUNNING'))).toBe(true);
    expect(store.apply(nodeEvent(2, 'r1', 'a', 'RUNNING'))).toBe(false);
    store.apply(nodeEvent(3, 'r1', 'b', 'CACHED'));
    expect(store.nodes.get('a')?.status).toBe('RUNNING');
    expect(store.progress).toEqual({ done: 1, total: 2 });
  });

  it('never goes back in time', () => {
    const store = new RunState();
    store.apply(nodeEvent(5, 'r1', 'a', 'COMPLETED'));
    store.load(run('r1', { a: 'RUNNING', b: 'PENDING' }, 4));
    expect(store.nodes.get('a')?.status).toBe('COMPLETED');
    expect(store.nodes.get('b')?.status).toBe('PENDING');
    store.apply(nodeEvent(3, 'r1', 'a', 'QUEUED'));
    expect(store.nodes.get('a')?.status).toBe('COMPLETED');
    store.apply(nodeEvent(9, 'r0', 'a', 'FAILED'));
    store.load(run('r0', { a: 'FAILED' }, 9));
    expect(store.run?.id).toBe('r1');
    expect(store.nodes.get('a')?.status).toBe('COMPLETED');
  });

  it('begins anew with the next run', () => {
    const store = new RunState();
    store.load(run('r1', { a: 'FAILED', b: 'SKIPPED' }, 4));
    store.apply(runEvent(5, 'r2', 'PENDING'));
    expect(store.nodes.entries.size).toBe(0);
    expect(store.run).toMatchObject({ id: 'r2', status: 'PENDING' });
  });

  it("takes a sweep's variants together", () => {
    const store = new RunState();
    store.load(run('r1', { 't@0': 'COMPLETED', 't@1': 'RUNNING' }, 1));
    expect(store.nodes.get('t')?.status).toBe('RUNNING');
    store.apply(nodeEvent(2, 'r1', 't@1', 'FAILED'));
    expect(store.nodes.get('t')?.status).toBe('FAILED');
  });

  it('tells only those who read the node that changed', () => {
    const store = new RunState();
    store.load(run('r1', { a: 'PENDING', b: 'PENDING' }, 1));
    const told: string[] = [];
    store.nodes.subscribe('a', () => told.push('a'));
    const stop = store.nodes.subscribe('b', () => told.push('b'));
    store.apply(nodeEvent(2, 'r1', 'b', 'RUNNING'));
    stop();
    store.apply(nodeEvent(3, 'r1', 'b', 'COMPLETED'));
    expect(told).toEqual(['b']);
  });
});
