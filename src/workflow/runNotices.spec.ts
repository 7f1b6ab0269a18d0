import { Notification } from '@jupyterlab/apputils';
import { YFile } from '@jupyter/ydoc';
import { afterEach, expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../__tests__/server';
import { notifyOfUnpulledData } from './runNotices';
import type { IRun } from '../api/models';
import { CanvasModel } from './store/model';
import type { RunsStore } from './store/runs';
import { WorkflowService } from './store/service';

afterEach(() => Notification.dismiss());

const RUN = { id: 'one', status: 'FAILED', nodes: [], last_seq: 1 };
const WAYS: Record<string, [string, (runs: RunsStore) => Promise<void>]> = {
  run: ['execute', runs => runs.start({ targets: ['train'] })],
  resume: ['runs/one/resume', runs => runs.resume()],
  retry: ['runs/one/nodes/train/retry', runs => runs.retry('train')],
  skip: ['runs/one/nodes/train/skip', runs => runs.skip('train')]
};

it.each(Object.keys(WAYS))(
  'offers to pull the data that a %s lacks, and asks for the same with it',
  async name => {
    const [path, begin] = WAYS[name];
    const wire = new Wire();
    const message = 'Data that the workflow reads has not been pulled: data';
    wire.answers[`POST /workflows/dvc.yaml/${path}`] = (body: {
      pull?: boolean;
    }) => (body.pull ? { ...RUN, id: 'two' } : failure(409, '40212', message));
    const client = wire.client();
    client.project = project;
    const model = new CanvasModel({
      sharedModel: new YFile(),
      path: 'dvc.yaml',
      isDirty: false,
      save: () => Promise.resolve(),
      asOwn: change => change()
    });
    model.server.attach(
      new WorkflowService(client, 'dvc.yaml', undefined),
      null
    );
    model.runs.current.load(RUN as unknown as IRun);
    const failed: unknown[] = [];
    model.server.failed.connect((_, error) => failed.push(error));
    notifyOfUnpulledData(model.runs);
    await begin(model.runs);
    const [notice] = Notification.manager.notifications;
    expect(notice.message).toBe(message);
    expect(failed).toEqual([]);
    const [pull] = notice.options.actions ?? [];
    expect(pull.label).toBe('Pull Data and Run');
    pull.callback(new MouseEvent('click'));
    await settle();
    const posts = wire.requests.filter(({ method }) => method === 'POST');
    const asked = posts.map(({ url }) => url.pathname.split('dvc.yaml/')[1]);
    expect(asked).toEqual([path, path]);
    const [before, after] = posts.map(
      ({ body }) => body as Record<string, unknown>
    );
    expect({ pull: false, ...before }).toEqual({ ...after, pull: false });
    expect(after.pull).toBe(true);
    expect(model.runs.current.run?.id).toBe('two');
  }
);
