import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import { projectOf, type MLWSClient } from '../../api/client';
import type { IImported } from '../../api/models';
import { kindText } from '../labels';

const PATTERN = /\.(pipeline|ipynb|json)$/i;

/**
 * Asks for an Elyra pipeline, a notebook or a definition, shows what it would become, and makes it.
 *
 * Returns the path of the new workflow in the lab; null where nothing was made.
 */
export async function importWorkflow(
  client: MLWSClient,
  manager: IDocumentManager,
  translator: ITranslator
): Promise<string | null> {
  const trans = translator.load('jupyter_mlws');
  const selection = await FileDialog.getOpenFiles({
    manager,
    translator,
    title: trans.__(
      'Import an Elyra pipeline, a notebook or a workflow definition'
    ),
    filter: item =>
      item.type === 'directory' || PATTERN.test(item.name) ? { score: 1 } : null
  });
  const [file] = selection.value ?? [];
  if (!selection.button.accept || !file || file.type === 'directory') {
    return null;
  }
  const path = file.path.slice(file.path.indexOf(':') + 1);
  const projects = await client.loadProjects();
  const place = projectOf(path, projects);
  const query = { project: place.project };
  const ask = (dry: boolean): Promise<IImported> =>
    client.post('/workflows/import', { file: place.path, dry_run: dry }, query);
  const plan = await ask(true);
  const answer = await showDialog({
    title: trans.__('Import %1', file.name),
    body: ReactWidget.create(<Planned plan={plan} trans={trans} />),
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

function Planned(props: {
  plan: IImported;
  trans: TranslationBundle;
}): JSX.Element {
  const { plan, trans } = props;
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
            <span className="jp-mlws-Field-type">
              {kindText(node.type, trans)}
            </span>
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
