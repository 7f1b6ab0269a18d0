import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { useMime } from './useMime';

/** Markdown as JupyterLab renders it: sanitized, so that no script in it runs. */
export function Markdown(props: {
  text: string;
  renderers: IRenderMimeRegistry;
}): JSX.Element {
  const { text, renderers } = props;
  const { host, error } = useMime(renderers, 'text/markdown', text);
  return (
    <div className="jp-mlws-Markdown">
      <div ref={host} hidden={error !== null} />
      {error !== null && text}
    </div>
  );
}
