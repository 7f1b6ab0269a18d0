import {
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { createRoot } from 'react-dom/client';
import { expect, it, vi } from 'vitest';

import { Markdown } from './markdown';

const HOSTILE = `<b>Text</b>
<script>window.hostile = 1</script>
<img src="x" onerror="window.hostile = 2">
<a href="javascript:window.hostile = 3">link</a>
<iframe srcdoc="<script>parent.hostile = 4</script>"></iframe>`;

it('runs nothing of hostile markdown', async () => {
  const renderers = new RenderMimeRegistry({
    initialFactories: standardRendererFactories,
    // HTML is passed through, as it is in Markdown.
    markdownParser: { render: async text => text }
  });
  const page = document.body.appendChild(document.createElement('div'));
  const root = createRoot(page);
  root.render(<Markdown text={HOSTILE} renderers={renderers} />);
  await vi.waitFor(() => expect(page.querySelector('b')).not.toBeNull());
  expect(page.textContent).toContain('Text');
  expect(page.querySelector('script, iframe, [onerror]')).toBeNull();
  expect(page.innerHTML).not.toContain('javascript:');
  page.querySelector('a')?.click();
  expect(window).not.toHaveProperty('hostile');
  root.unmount();
  expect(page.innerHTML).toBe('');
});
