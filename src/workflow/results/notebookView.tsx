import type { INotebookContent } from '@jupyterlab/nbformat';
import { Widget } from '@lumino/widgets';
import { useEffect, useRef, useState } from 'react';

import { useCanvas } from '../context';
import { Empty } from '../../ui/controls';

/** Executed notebook in JupyterLab's viewer, read-only. */
export function NotebookPreview(props: {
  name: string;
  notebook: INotebookContent;
}): JSX.Element {
  const { createNotebookView } = useCanvas();
  const { name, notebook } = props;
  const place = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let widget: Widget | null = null;
    let isStale = false;
    setError(null);
    createNotebookView(notebook)
      .then(view => {
        if (isStale || !place.current) {
          view.dispose();
          return;
        }
        widget = view;
        Widget.attach(view, place.current);
      })
      .catch(reason => setError(String(reason?.message ?? reason)));
    return () => {
      isStale = true;
      widget?.dispose();
    };
  }, [createNotebookView, notebook]);
  return (
    <>
      {error && <Empty>{error}</Empty>}
      <div
        className="jp-mlws-NotebookPreview"
        role="group"
        aria-label={name}
        ref={place}
      />
    </>
  );
}
