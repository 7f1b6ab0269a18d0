import type { ILabStatus } from '@jupyterlab/application';
import type { IDisposable } from '@lumino/disposable';

import { confirm } from '../lab/confirm';
import { trans } from '../ui/locale';
import type { State } from '../ui/state';

/**
 * Asks before the page with unsaved edits is left; returns what asks before their view closes.
 *
 * `loss`: sentence that names what will be lost.
 */
export function guardUnsaved(
  unsaved: State<boolean>,
  status: ILabStatus | null,
  loss: string
): () => Promise<boolean> {
  let mark: IDisposable | null = null;
  unsaved.changed.connect((_, isUnsaved) => {
    mark?.dispose();
    mark = isUnsaved && status ? status.setDirty() : null;
  });
  return async () =>
    !unsaved.value ||
    confirm(trans.__('Close without saving?'), loss, trans.__('Close'));
}
