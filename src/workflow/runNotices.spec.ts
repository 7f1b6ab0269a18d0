import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { YFile } from '@jupyter/ydoc';
import { afterEach, expect, it } from 'vitest';

import { failure, project, settle, Wire } from '../__tests__/server';
import { notifyOfUnpulledData } from './runNotices';
import { CanvasModel } from './store/model';
import { WorkflowService } from './store/service';

const EXECUTE = 'POST /workflows/dvc.yaml/execute';

afterEach(() => Notification.dismiss());

it('offers to pull the data that a run lacks, and runs with the same options', async () => {
  const wire = new Wire();
  const message = 'Data that the workflow reads has not been pulled: data';
  wire.answers[EXECUTE] = (body: { pull?: boolean }) =>
    body.pull
      ? { id: 'one', status: 'PENDING', nodes: [], last_seq: 1 }
      : failure(409, '40212', message);
  const client = wire.client();
  client.project = project;
  const model = new CanvasModel({
    sharedModel: new YFile(),
    path: 'dvc.yaml',
    isDirty: false,
    save: () => Promise.resolve(),
    asOwn: change => change()
  });
  model.server.attach(new WorkflowService(client, 'dvc.yaml', undefined), null);
  const failed: unknown[] = [];
  model.server.failed.connect((_, error) => failed.push(error));
  notifyOfUnpulledData(model.runs, nullTranslator.load('jupyter_mlws'));
  await model.runs.start({ targets: ['train'] });
  const [notice] = Notification.manager.notifications;
  expect(notice.message).toBe(message);
  expect(failed).toEqual([]);
  const [pull] = notice.options.actions ?? [];
  expect(pull.label).toBe('Pull Data and Run');
  pull.callback(new MouseEvent('click'));
  await settle();
  const bodies = wire.requests
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => body);
  expect(bodies).toEqual([
    { targets: ['train'], origin: 'canvas' },
    { targets: ['train'], pull: true, origin: 'canvas' }
  ]);
  expect(model.runs.newest.run?.id).toBe('one');
});
