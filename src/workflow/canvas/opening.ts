import { useCallback } from 'react';

import { hasFigure } from '../graph/geometry';
import { programFile } from '../graph/keySettings';
import { useCanvas } from '../context';

const FIRST_FIELD = '.jp-mlws-Panel form :is(input, select, textarea)';
/** The form of the settings loads with the panel, in milliseconds. */
const FOCUS_DELAY = 100;

/**
 * Opens a node: the notebook or script that it runs, else its figure or its settings, with the
 * focus in the first field.
 */
export function useOpen(
  pane: React.RefObject<HTMLElement>
): (id: string) => void {
  const { model, openFile, panes } = useCanvas();
  return useCallback(
    id => {
      const node = model.drawing.graph.nodes.get(id);
      const file = node && programFile(node);
      if (file) {
        openFile(file);
      } else if (node) {
        const isFigure =
          hasFigure(node) && model.results.nodes.get(id)?.thumbnail;
        model.selection.select([id]);
        if (isFigure) {
          panes.showTab('preview');
          return;
        }
        panes.setOpen('panel', true);
        // The panel of the node is there with the next drawing.
        setTimeout(
          () =>
            pane.current
              ?.closest('.jp-mlws-Workflow')
              ?.querySelector<HTMLElement>(FIRST_FIELD)
              ?.focus(),
          FOCUS_DELAY
        );
      }
    },
    [model, openFile, panes, pane]
  );
}
