import { Signal } from '@lumino/signaling';
import { expect, it } from 'vitest';

import { fake, rest, show, Wire } from '../__tests__/server';
import { ErrorsView } from './errorsView';
import { NotebookModel } from './model';
import type { OpenNotebooks } from './open';

const failure = {
  execution: {
    id: 'e1',
    cell: 'c1',
    status: 'FAILED',
    error: { ename: 'ValueError', evalue: 'too large', traceback: [], line: 1 }
  },
  similar: []
};

it('follows the notebook that is looked at now', async () => {
  const wire = new Wire();
  wire.answers['GET /notebooks'] = { items: [{ id: 'n' }] };
  wire.answers['GET /notebooks/n/cells'] = { items: [] };
  wire.answers['GET /notebooks/n/errors'] = { items: [] };
  const client = wire.client();
  const panel = { content: { widgets: [] } };
  const first = new NotebookModel(client, 'a.ipynb');
  const second = new NotebookModel(client, 'b.ipynb');
  const notebooks = {
    current: { panel, model: first },
    currentChanged: new Signal<object, void>({})
  };
  const view = new ErrorsView({
    client,
    notebooks: fake<OpenNotebooks>(notebooks)
  });
  await show(view);
  notebooks.current = { panel, model: second };
  notebooks.currentChanged.emit(undefined);
  await rest();
  expect(view.node.textContent).toContain('No failed cells');
  // A cell of the second notebook fails.
  wire.answers['GET /notebooks/n/errors'] = { items: [failure] };
  await client.refresh('/notebooks/n/');
  await rest();
  expect(view.node.textContent).toContain('too large');
  view.dispose();
});
