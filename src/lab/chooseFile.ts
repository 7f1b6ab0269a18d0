import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';

import { translator } from '../ui/locale';

/** Asks for a file whose name matches; resolves to its path without a drive, or null. */
export async function chooseFile(
  manager: IDocumentManager,
  title: string,
  pattern: RegExp
): Promise<string | null> {
  const { button, value } = await FileDialog.getOpenFiles({
    manager,
    translator,
    title,
    filter: item =>
      item.type === 'directory' || pattern.test(item.name) ? { score: 1 } : null
  });
  const [file] = value ?? [];
  return button.accept && file && file.type !== 'directory'
    ? file.path.slice(file.path.indexOf(':') + 1)
    : null;
}
