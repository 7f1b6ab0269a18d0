import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileBrowserModel } from '@jupyterlab/filebrowser';

import { trans, translator } from '../ui/locale';
import { ProgressNotice } from './notice';

/**
 * Uploads files into a folder, which is created if missing.
 *
 * JupyterLab sends large files in chunks, and asks before it replaces a file. Returns the paths of
 * the existing files: those that the user did not replace are left out.
 */
export async function uploadFiles(
  manager: IDocumentManager,
  files: readonly File[],
  folder: string
): Promise<string[]> {
  await makeFolder(manager, folder);
  const model = new FileBrowserModel({ manager, translator, auto: false });
  const paths: string[] = [];
  try {
    // The model needs the listing to detect existing files.
    await model.cd(`/${folder}`);
    for (const file of files) {
      const notice = new ProgressNotice(
        trans.__('Uploading “%1”…', file.name),
        []
      );
      model.uploadChanged.connect((_, { newValue }) =>
        notice.progress(newValue?.progress)
      );
      try {
        paths.push((await model.upload(file)).path);
        await notice.end(null, 'success');
      } catch (error) {
        await notice.end(null, 'error');
        // JupyterLab throws a string if the user declines.
        if (typeof error !== 'string') {
          throw error;
        }
      }
    }
  } finally {
    model.dispose();
  }
  return paths;
}

async function makeFolder(
  manager: IDocumentManager,
  folder: string
): Promise<void> {
  if (folder === '') {
    return;
  }
  const { contents } = manager.services;
  const parent = await contents.get(PathExt.dirname(folder), { content: true });
  const entries: { name: string }[] = parent.content;
  if (!entries.some(({ name }) => name === PathExt.basename(folder))) {
    await contents.save(folder, { type: 'directory', format: 'json' });
  }
}
