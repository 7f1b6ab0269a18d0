import { InputDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';

import type { MLWSClient } from '../../api/client';
import { placeInProject } from '../../lab/projects';
import { trans } from '../../ui/locale';
import { createWorkflow } from './create';

/**
 * Saves a notebook, and asks for the workflow to which it is added as a node.
 *
 * Returns the path of the workflow, which is new if the project has none; null if canceled.
 */
export async function workflowOfNotebook(
  client: MLWSClient,
  manager: IDocumentManager,
  notebook: string
): Promise<string | null> {
  const widget = manager.findWidget(notebook);
  await (widget && manager.contextForWidget(widget))?.save();
  const place = await placeInProject(client, notebook);
  const root = notebook.slice(0, notebook.length - place.path.length);
  const { items } = await client.get('/workflows', {
    project: place.project
  });
  const paths = items.map(({ path }) => path);
  const another = trans.__('New workflow');
  const choice =
    paths.length === 0
      ? another
      : (
          await InputDialog.getItem({
            title: trans.__('Add the Notebook to a Workflow'),
            items: [...paths, another],
            okLabel: trans.__('Run')
          })
        ).value;
  if (choice !== another) {
    return choice === null ? null : root + choice;
  }
  const name = PathExt.basename(notebook, '.ipynb');
  const { contents } = manager.services;
  return createWorkflow(contents, root.replace(/\/$/, ''), name);
}
