import { useEffect, useMemo, useState } from 'react';

import { parse } from '../document/document';
import { differsFrom, sourceOf } from '../document/subworkflows';
import { useCanvas, useDocument } from './hooks';

interface ISourceState {
  /** The file that the nodes are copies from; null if there is none. */
  path: string | null;
  /** Null while the file is read, or cannot be. */
  text: string | null;
  error: string | null;
  differs: boolean;
}

/** The file that the nodes of a frame are copies from, followed. */
export function useSource(nodes: readonly string[]): ISourceState {
  const { openSource } = useCanvas();
  const { workflow } = useDocument();
  const path = sourceOf(workflow, nodes);
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let isStale = false;
    let stop = (): void => undefined;
    setText(null);
    setError(null);
    if (path !== null) {
      openSource(path)
        .then(({ sharedModel }) => {
          const read = (): void => setText(sharedModel.getSource());
          if (!isStale) {
            read();
            sharedModel.changed.connect(read);
            stop = () => sharedModel.changed.disconnect(read);
          }
        })
        .catch(
          reason => !isStale && setError(String(reason.message ?? reason))
        );
    }
    return () => {
      isStale = true;
      stop();
    };
  }, [openSource, path]);
  const differs = useMemo(() => {
    const source =
      path === null || text === null ? null : parse(text, path).document;
    return source !== null && differsFrom(workflow, source, nodes);
  }, [workflow, path, text, nodes]);
  return { path, text, error, differs };
}
