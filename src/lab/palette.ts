import type { ICommandPalette } from '@jupyterlab/apputils';

import { trans } from '../ui/locale';

/** Lists commands of the sidebar's sections in the command palette. */
export function addToPalette(
  palette: ICommandPalette | null,
  ...commands: readonly string[]
): void {
  const category = trans.__('Versions and Workflows');
  commands.forEach(command => palette?.addItem({ command, category }));
}
