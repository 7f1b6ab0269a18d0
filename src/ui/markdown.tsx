import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import { useLayoutEffect, useRef } from 'react';

const MARKDOWN = 'text/markdown';

/** Markdown as JupyterLab renders it: sanitized, so that no script in it runs. */
export function Markdown(props: {
  text: string;
  renderers: IRenderMimeRegistry;
}): JSX.Element {
  const { text, renderers } = props;
  const host = useRef<HTMLDivElement>(null);
  // Before React removes the host: Lumino detaches only widgets that are in the page.
  useLayoutEffect(() => {
    const renderer = renderers.createRenderer(MARKDOWN);
    Widget.attach(renderer, host.current!);
    const data = { [MARKDOWN]: text };
    renderer
      .renderModel(renderers.createModel({ data, trusted: false }))
      .catch(error => {
        console.warn('Markdown is shown as plain text', error);
        renderer.node.textContent = text;
      });
    return () => renderer.dispose();
  }, [text, renderers]);
  return <div className="jp-mlws-Markdown" ref={host} />;
}
