import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';

import type { MLWSClient } from '../../api/client';
import type { IImported } from '../../api/models';
import { chooseFile } from '../../lab/chooseFile';
import { placeInProject } from '../../lab/projects';
import { trans } from '../../ui/locale';
import { kindText } from '../labels';

const FILE_PATTERN = /\.(pipeline|ipynb|json)$/i;

/**
 * Asks for an Elyra pipeline, a notebook or a definition (unless `file` is its path), shows a
 * preview of the workflow, and creates it.
 *
 * Returns the path of the new workflow in JupyterLab; null if canceled.
 */
export async function importWorkflow(
  client: MLWSClient,
  manager: IDocumentManager,
  file?: string
): Promise<string | null> {
  const path =
    file ??
    (await chooseFile(
      manager,
      trans.__('Import an Elyra pipeline, a notebook or a workflow definition'),
      FILE_PATTERN
    ));
  if (path === null) {
    return null;
  }
  const place = await placeInProject(client, path);
  const query = { project: place.project };
  const ask = (dry: boolean): Promise<IImported> =>
    client.post('/workflows/import', { file: place.path, dry_run: dry }, query);
  const plan = await ask(true);
  const answer = await showDialog({
    title: trans.__('Import %1', PathExt.basename(path)),
    body: ReactWidget.create(<Planned plan={plan} />),
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Import') })
    ]
  });
  if (!answer.button.accept) {
    return null;
  }
  const { workflow } = await ask(false);
  const root = path.slice(0, path.length - place.path.length);
  return root + workflow.path;
}

function Planned(props: { plan: IImported }): JSX.Element {
  const { plan } = props;
  const { workflow, notes, files } = plan;
  return (
    <div className="jp-mlws-Import">
      <p>
        {trans._n(
          '%1 node in %2',
          '%1 nodes in %2',
          workflow.nodes.length,
          workflow.path
        )}
      </p>
      <ul>
        {workflow.nodes.map(node => (
          <li key={node.id}>
            {node.id}{' '}
            <span className="jp-mlws-Field-type">{kindText(node.type)}</span>
          </li>
        ))}
      </ul>
      {files.length > 0 && (
        <>
          <h4>{trans.__('Files to write')}</h4>
          <ul>
            {files.map(({ path }) => (
              <li key={path}>{path}</li>
            ))}
          </ul>
        </>
      )}
      {notes.length > 0 && (
        <>
          <h4>{trans.__('Could not be imported as is')}</h4>
          <ul>
            {notes.map(({ place, reason }, index) => (
              <li key={index}>
                <code>{place}</code> {reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
