import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';

import type { MLWSClient } from '../../api/client';
import { chooseFile } from '../../lab/chooseFile';
import { placeInProject } from '../../lab/projects';
import { trans } from '../../ui/locale';
import { TABLE_FILE } from '../graph/sources';
import { createWorkflow } from './create';

/** New workflow with the table that it loads. */
interface ITableWorkflow {
  /** The path of the workflow in JupyterLab. */
  path: string;
  /** The path of the table from the project's root. */
  table: string;
}

/** Asks for a table and creates a workflow named after it; null if canceled. */
export async function workflowFromTable(
  client: MLWSClient,
  manager: IDocumentManager,
  file?: string
): Promise<ITableWorkflow | null> {
  const path =
    file ?? (await chooseFile(manager, trans.__('Select a Table'), TABLE_FILE));
  if (path === null) {
    return null;
  }
  const place = await placeInProject(client, path);
  const home = path.slice(0, path.length - place.path.length);
  const name = PathExt.basename(path, PathExt.extname(path));
  const { contents } = manager.services;
  return {
    path: await createWorkflow(contents, home.replace(/\/$/, ''), name),
    table: place.path
  };
}
