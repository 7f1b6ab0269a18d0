import { YFile } from '@jupyter/ydoc';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { IEventStream } from '../../api/client';
import type {
  INodeSummary,
  IWorkflowEvent,
  IWorkflowResults
} from '../../api/models';
import { CanvasModel } from './model';
import type { WorkflowService } from './service';

let model: CanvasModel;
let asked: number;
let nodes: INodeSummary[];
let message: Signal<object, IWorkflowEvent>;

const summary = (id: string, value: number): INodeSummary => ({
  id,
  run: '1',
  outputs: [],
  measure: {
    metric: 'accuracy',
    mode: 'max',
    value,
    previous: null,
    model: null,
    best: false,
    low: null,
    high: null,
    rows: null,
    rivals: null,
    repeated: null
  },
  thumbnail: null,
  changes: []
});

beforeEach(async () => {
  vi.useFakeTimers();
  asked = 0;
  nodes = [summary('a', 1), summary('b', 1)];
  model = new CanvasModel({
    sharedModel: new YFile(),
    path: 'dvc.yaml',
    isDirty: false,
    save: async () => undefined,
    asOwn: change => change()
  });
  const service = {
    path: 'dvc.yaml',
    components: async () => [],
    datasets: async () => [],
    runs: async () => ({ items: [], next_cursor: null }),
    validate: async () => [],
    results: async (): Promise<IWorkflowResults> => {
      asked += 1;
      return structuredClone({ run: '1', previous: null, nodes });
    }
  };
  const events = { dispose: () => undefined } as Record<string, unknown>;
  message = new Signal<object, IWorkflowEvent>(events);
  events.message = message;
  events.connectionChanged = new Signal<object, boolean>(events);
  await model.attach(
    service as unknown as WorkflowService,
    events as unknown as IEventStream<IWorkflowEvent>
  );
});

afterEach(() => {
  model.dispose();
  vi.useRealTimers();
});

function ended(node: string, seq: number): IWorkflowEvent {
  return {
    type: 'node',
    workflow: 'dvc.yaml',
    path: 'dvc.yaml',
    run: '1',
    node,
    seq,
    status: 'COMPLETED',
    time: '2026-01-01T00:00:00Z',
    data: {}
  } as unknown as IWorkflowEvent;
}

it('reads the results of all nodes at once, and again when nodes have ended', async () => {
  expect(asked).toBe(1);
  expect(model.results.nodes.get('a')!.measure!.value).toBe(1);
  for (let seq = 0; seq < 50; seq += 1) {
    message.emit(ended(`n${seq}`, seq));
  }
  await vi.advanceTimersByTimeAsync(1500);
  expect(asked).toBe(2);
});

it('draws only nodes with another result again', async () => {
  const drawn: string[] = [];
  for (const id of ['a', 'b']) {
    model.results.nodes.subscribe(id, () => drawn.push(id));
  }
  nodes = [summary('a', 1), summary('b', 2)];
  await model.results.refresh();
  expect(drawn).toEqual(['b']);
});
