import {
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { expect, it, vi } from 'vitest';

import { show, Wire } from '../__tests__/server';
import { State } from '../ui/state';
import { referenceView } from './view';

it('follows the links between pages, and leaves other links to the browser', async () => {
  const wire = new Wire();
  const entry = { part: 'Guides', group: '' };
  wire.answers['GET /reference/first'] = {
    ...entry,
    id: 'first',
    title: 'First',
    text: '<h2>Top<a class="jp-InternalAnchorLink" href="#Top">¶</a></h2><a href="#second">next</a>'
  };
  wire.answers['GET /reference/second'] = {
    ...entry,
    id: 'second',
    title: 'Second',
    text: ''
  };
  const renderers = new RenderMimeRegistry({
    initialFactories: standardRendererFactories,
    markdownParser: { render: async text => text }
  });
  const page = new State('first');
  const client = wire.client();
  const view = referenceView({ client, renderers, page, label: 'Reference' });
  const node = await show(view);
  const link = async (target: string): Promise<HTMLElement> =>
    vi.waitFor(() => {
      const element = node.querySelector<HTMLElement>(`a[href="${target}"]`);
      expect(element).not.toBeNull();
      return element!;
    });
  // Without a group, there is nothing to separate.
  expect(node.querySelector('.jp-mlws-Hint')?.textContent).toBe('Guides');
  (await link('#Top')).click();
  expect(page.value).toBe('first');
  (await link('#second')).click();
  expect(page.value).toBe('second');
  await vi.waitFor(() =>
    expect(node.querySelector('h1')?.textContent).toBe('Second')
  );
  view.dispose();
});
