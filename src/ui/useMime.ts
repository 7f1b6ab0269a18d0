import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type {
  PartialJSONValue,
  ReadonlyPartialJSONValue
} from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

/**
 * Renders data of a MIME type into `host` with JupyterLab's renderer.
 *
 * A new object as `data` or `metadata` is rendered again, so both must be stable.
 */
export function useMime(
  renderers: IRenderMimeRegistry,
  mime: string,
  data: ReadonlyPartialJSONValue,
  metadata?: ReadonlyPartialJSONValue
): { host: RefObject<HTMLDivElement>; isKnown: boolean; error: string | null } {
  const host = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<string | null>(null);
  const isKnown = renderers.getFactory(mime) !== undefined;
  // Before React removes the host: Lumino detaches only widgets that are in the page.
  useLayoutEffect(() => {
    if (!isKnown) {
      return;
    }
    const renderer = renderers.createRenderer(mime);
    Widget.attach(renderer, host.current!);
    setError(null);
    renderer
      .renderModel(
        renderers.createModel({
          data: { [mime]: data as PartialJSONValue },
          metadata: { [mime]: (metadata ?? {}) as PartialJSONValue },
          trusted: false
        })
      )
      .catch(reason => setError(String(reason?.message ?? reason)));
    return () => renderer.dispose();
  }, [renderers, mime, data, metadata, isKnown]);
  return { host, isKnown, error };
}
