import { YFile } from '@jupyter/ydoc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { fake } from '../../__tests__/server';
import type {
  IComponent,
  INodePlan,
  IPlan,
  IProblem,
  IWorkflowEvent
} from '../../api/models';
import type { IEventStream } from '../../api/stream';
import { nodeMark } from '../graph/marks';
import { CanvasModel } from './model';
import type { WorkflowService } from './service';

const TEXT = `stages:
  first:
    cmd: echo 1
    outs: [a]
  second:
    cmd: cat a
    deps: [a]
`;

function planned(actions: Record<string, INodePlan['action']>): IPlan {
  const nodes = Object.entries(actions).map(([id, action]) => ({
    id,
    action,
    reasons: [],
    estimate_seconds: null,
    cosmetic: false,
    restored_from: null,
    environment: null
  }));
  const count = (action: string): number =>
    nodes.filter(node => node.action === action).length;
  return {
    nodes,
    summary: {
      run: count('run'),
      cached: count('cached'),
      restorable: count('restorable'),
      cosmetic: 0
    },
    jobs: 2,
    estimate_seconds: 9,
    without_estimate: 0
  };
}

describe('PlanStore', () => {
  let file: YFile;
  let model: CanvasModel;
  let problems: IProblem[];
  /** Planned texts, with the response to each. */
  let planRequests: { text: string; answer: (plan: IPlan) => void }[];

  beforeEach(async () => {
    vi.useFakeTimers();
    planRequests = [];
    problems = [];
    file = new YFile();
    file.setSource(TEXT);
    model = new CanvasModel({
      sharedModel: file,
      path: 'dvc.yaml',
      isDirty: true,
      save: async () => undefined,
      asOwn: change => change()
    });
    const service = fake<WorkflowService>({
      id: 'dvc.yaml',
      path: 'dvc.yaml',
      components: async () => [],
      datasets: async () => [],
      runs: async () => ({ items: [], next_cursor: null }),
      validate: async () => problems,
      plan: (text: string) =>
        new Promise(answer => planRequests.push({ text, answer }))
    });
    const signal = { connect: () => true, disconnect: () => true };
    const events = fake<IEventStream<IWorkflowEvent>>({
      message: signal,
      connectionChanged: signal,
      dispose: () => undefined
    });
    await model.attach(service, events);
    await vi.advanceTimersByTimeAsync(1000);
    // Components and data are known: the text is planned once.
    expect(planRequests).toHaveLength(1);
    await answer(planned({ first: 'cached', second: 'cached' }));
    // Planned again after other files changed.
    await model.drawing.validate();
    planRequests.splice(0, 1);
  });

  afterEach(() => {
    model.dispose();
    vi.useRealTimers();
  });

  const type = async (text: string): Promise<void> => {
    file.setSource(text);
    await vi.advanceTimersByTimeAsync(1000);
  };
  const answer = async (plan: IPlan): Promise<void> => {
    planRequests[planRequests.length - 1].answer(plan);
    await vi.advanceTimersByTimeAsync(0);
  };

  it('keeps what the server found until it has validated again', async () => {
    problems = [
      fake<IProblem>({ severity: 'error', node: 'second', message: 'odd' })
    ];
    await type(TEXT.replace('echo 1', 'echo 2'));
    expect(model.drawing.problems).toBe(problems);
    // Models, notebooks, data and components come and change at any time.
    model.catalog.add(
      fake<IComponent>({ name: 'own', inputs: [], outputs: [] })
    );
    expect(model.drawing.problems).toBe(problems);
    problems = [];
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.drawing.problems).toEqual([]);
  });

  it('plans the text that is not saved', async () => {
    await answer(planned({ first: 'cached', second: 'cached' }));
    expect(model.runs.forecast.isUpToDate).toBe(true);
    const text = TEXT.replace('echo 1', 'echo 2');
    await type(text);
    expect(planRequests[1].text).toBe(text);
    await answer(planned({ first: 'run', second: 'run' }));
    expect(model.runs.forecast.isUpToDate).toBe(false);
    expect(model.runs.plan.get('first')?.action).toBe('run');
  });

  it('keeps the last plan until the next one is there', async () => {
    await answer(planned({ first: 'cached', second: 'run' }));
    await type(TEXT.replace('echo 1', 'echo 2'));
    expect(model.runs.plan.get('second')?.action).toBe('run');
  });

  it('asks for one plan at a time, and then for the newest text', async () => {
    await type(TEXT.replace('echo 1', 'echo 2'));
    await type(TEXT.replace('echo 1', 'echo 3'));
    expect(planRequests).toHaveLength(1);
    await answer(planned({ first: 'run', second: 'run' }));
    // The answer is about a text of the past.
    expect(model.runs.forecast.isUpToDate).toBe(true);
    expect(planRequests).toHaveLength(2);
    expect(planRequests[1].text).toContain('echo 3');
  });

  it('draws only nodes with another plan', async () => {
    await answer(planned({ first: 'cached', second: 'cached' }));
    const drawn: string[] = [];
    for (const id of ['first', 'second']) {
      model.runs.plan.subscribe(id, () => drawn.push(id));
    }
    await type(TEXT.replace('cat a', 'cat a a'));
    await answer(planned({ first: 'cached', second: 'run' }));
    expect(drawn).toEqual(['second']);
  });

  it('has no plan of a workflow with errors', async () => {
    await answer(planned({ first: 'run', second: 'run' }));
    problems = [
      {
        code: '40201',
        severity: 'error',
        node: 'first',
        field: null,
        edge: null,
        line: null,
        message: 'Input missing',
        fix: null,
        repairs: []
      }
    ];
    await type(TEXT.replace('echo 1', 'echo 2'));
    expect(model.runs.forecast.plan).toBeNull();
    expect(model.runs.plan.get('first')).toBeUndefined();
  });
});

describe('nodeMark', () => {
  it('is of the run while it goes on', () => {
    expect(nodeMark({ status: 'RUNNING' }, { action: 'run' })).toBe('running');
    expect(nodeMark({ status: 'QUEUED' }, { action: 'run' })).toBe('waiting');
  });

  it('does not call a changed node up to date', () => {
    expect(nodeMark({ status: 'COMPLETED' }, { action: 'run' })).toBe('run');
    expect(nodeMark({ status: 'CACHED' }, undefined)).toBe('cached');
  });

  it('keeps a failure until the node runs again', () => {
    expect(nodeMark({ status: 'FAILED' }, { action: 'run' })).toBe('failed');
    expect(nodeMark({ status: 'FAILED' }, undefined)).toBe('failed');
  });

  it('says nothing of a node that neither ran nor has a plan', () => {
    expect(nodeMark(undefined, undefined)).toBeNull();
    expect(nodeMark({ status: 'INTERRUPTED' }, undefined)).toBe('stopped');
  });
});
