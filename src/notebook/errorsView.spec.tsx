import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { expect, it } from 'vitest';

import { settle, Wire } from '../__tests__/server';
import { ErrorsView } from './errorsView';
import { NotebookModel } from './model';
import type { OpenNotebooks } from './open';

const trans = nullTranslator.load('jupyter_mlws');
const failure = {
  execution: {
    id: 'e1',
    cell: 'c1',
    status: 'FAILED',
    error: { ename: 'ValueError', evalue: 'too large', traceback: [], line: 1 }
  },
  similar: []
};

/** Lets models, Lumino and React come to rest. */
async function rest(): Promise<void> {
  await settle();
  MessageLoop.flush();
  await new Promise(resolve => setTimeout(resolve, 20));
}

it('follows the notebook that is looked at now', async () => {
  const wire = new Wire();
  wire.answers['GET /notebooks'] = { items: [{ id: 'n' }] };
  wire.answers['GET /notebooks/n/cells'] = { items: [] };
  wire.answers['GET /notebooks/n/errors'] = { items: [] };
  const client = wire.client();
  const panel = { content: { widgets: [] } };
  const first = new NotebookModel(client, 'a.ipynb');
  const second = new NotebookModel(client, 'b.ipynb');
  const notebooks = { current: { panel, model: first } } as any;
  notebooks.currentChanged = new Signal<any, void>(notebooks);
  const view = new ErrorsView(notebooks as OpenNotebooks, trans);
  Widget.attach(view, document.body);
  first.active = second.active = true;
  await rest();
  notebooks.current = { panel, model: second };
  notebooks.currentChanged.emit();
  await rest();
  expect(view.node.textContent).toContain('No failed cells');
  // A cell of the second notebook fails.
  wire.answers['GET /notebooks/n/errors'] = { items: [failure] };
  await second.refresh();
  await rest();
  expect(view.node.textContent).toContain('too large');
  view.dispose();
});
