import type { JupyterFrontEnd } from '@jupyterlab/application';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';

import { trans } from '../ui/locale';
import { describeArgs } from './describeArgs';

/** Returns a data attribute of the element whose context menu is open. */
export function dataOf(app: JupyterFrontEnd, name: string): string | null {
  const node = app.contextMenuHitTest(
    element => element.dataset[name] !== undefined
  );
  return node?.dataset[name] ?? null;
}

/** Returns the snapshot that the arguments name, or that was clicked. */
export function idOf(
  app: JupyterFrontEnd,
  args: ReadonlyPartialJSONObject
): string | null {
  return typeof args.id === 'string' ? args.id : dataOf(app, 'mlwsSnapshot');
}

/** Describes the path of a command about a row of the changes. */
export function clickedPath(): string {
  return trans.__(
    'Path of the file in the project; the row that was clicked if left out'
  );
}

/** Describes the arguments that `idOf` reads. */
export function describeSnapshot(): { args: ReadonlyJSONObject } {
  return describeArgs({
    id: trans.__('ID of the snapshot; the one that was clicked if left out')
  });
}
