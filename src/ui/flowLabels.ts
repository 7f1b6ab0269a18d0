import { trans } from './locale';

/** Labels of React Flow's controls. */
export function flowLabels(): Record<string, string> {
  return {
    'node.a11yDescription.default': trans.__(
      'Press Enter or Space to select a node, the arrow keys to move it, and Delete to remove it.'
    ),
    'node.a11yDescription.keyboardDisabled': trans.__(
      'Press Enter or Space to select a node.'
    ),
    'edge.a11yDescription.default': trans.__(
      'Press Enter or Space to select a connection, and Delete to remove it.'
    ),
    'controls.ariaLabel': trans.__('View controls'),
    'controls.zoomIn.ariaLabel': trans.__('Zoom in'),
    'controls.zoomOut.ariaLabel': trans.__('Zoom out'),
    'controls.fitView.ariaLabel': trans.__('Fit to View'),
    'minimap.ariaLabel': trans.__('Minimap'),
    'handle.ariaLabel': trans.__('Port')
  };
}
