import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import {
  IMLWSClient,
  IMLWSSidebar,
  IWorkflowEvents,
  IWorkspaceEvents
} from '../tokens';
import { ChangesModel } from '../versions/changes';
import { ChangesView } from '../versions/changesView';
import { addCommands, CommandIDs, IPlaces } from '../versions/commands';
import { OpenDocuments } from '../versions/documents';
import { HistoryModel } from '../versions/history';
import { HistoryView } from '../versions/historyView';
import { ProjectBar } from '../versions/projectBar';
import { MLWSSidebar } from '../versions/sidebar';
import { Welcome } from '../versions/welcome';
import { WorkflowListModel } from '../workflowlist/model';
import { WorkflowListView } from '../workflowlist/view';

/** Rank in the left area: after the file browser, running kernels and git-like extensions. */
const RANK = 250;
/** The document factory of the canvas. */
const CANVAS = 'Workflow';

const sidebar: JupyterFrontEndPlugin<IMLWSSidebar> = {
  id: 'jupyter-mlws:sidebar',
  description: 'Versions, workflows and runs of the project in the left area.',
  autoStart: true,
  requires: [IMLWSClient, IWorkflowEvents, IWorkspaceEvents, IDocumentManager],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  provides: IMLWSSidebar,
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    runs: IWorkflowEvents,
    workspace: IWorkspaceEvents,
    manager: IDocumentManager,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    translator ??= nullTranslator;
    const trans = translator.load('jupyter_mlws');
    const { language } = client;
    const { commands } = app;
    const documents = new OpenDocuments(manager, () =>
      app.shell.widgets('main')
    );

    const changes = new ChangesModel(client, workspace, ['changes', 'history']);
    const history = new HistoryModel(client, workspace, ['history']);
    const workflows = new WorkflowListModel(client, workspace, runs);

    const run = (id: string, args = {}) => void commands.execute(id, args);
    const changesView = new ChangesView(
      changes,
      {
        openDiff: change =>
          run(CommandIDs.openDiff, { path: change.path, from: 'HEAD' }),
        commit: (allowSecrets = false) =>
          run(CommandIDs.commit, { message: changes.message, allowSecrets })
      },
      language,
      trans
    );
    const historyView = new HistoryView(
      history,
      {
        restore: ({ id }) => run(CommandIDs.restore, { id }),
        compare: ({ id }) => run(CommandIDs.compareSnapshot, { id }),
        copyId: ({ id }) => run(CommandIDs.copyId, { id }),
        verify: ({ id }) => run('mlws:verify-snapshot', { id }),
        openChange: ({ id, parents }, { path }) =>
          run(CommandIDs.openDiff, { path, from: parents[0] ?? null, to: id })
      },
      language,
      trans
    );
    const openWorkflow = (path: string) =>
      client.project && documents.open(client.project, path, CANVAS);
    const workflowsView = new WorkflowListView(
      workflows,
      workflow => openWorkflow(workflow.path),
      language,
      trans
    );
    const panel = new MLWSSidebar(
      client,
      new ProjectBar(client, changes, workspace, trans),
      new Welcome(client, trans),
      [
        { view: changesView, model: changes },
        { view: historyView, model: history },
        { view: workflowsView, model: workflows }
      ],
      translator
    );
    app.shell.add(panel, 'left', { rank: RANK, type: 'MLWS' });
    restorer?.add(panel, panel.id);

    const places: IPlaces = {
      panel,
      changes,
      changesView,
      history
    };
    addCommands(app, client, workspace, documents, places, trans);
    for (const command of [
      CommandIDs.openSidebar,
      CommandIDs.commit,
      CommandIDs.refresh,
      CommandIDs.restore
    ]) {
      palette?.addItem({
        command,
        category: trans.__('Versions and workflows')
      });
    }
    return panel;
  }
};

export default sidebar;
