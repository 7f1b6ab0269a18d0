import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';

import { Signal } from '@lumino/signaling';

import type { MLWSClient } from '../../api/client';
import {
  CANVAS_FACTORY,
  IMLWSClient,
  IMLWSSidebar,
  IOpenDocuments,
  IWorkflowEvents
} from '../../lab/tokens';
import { statusItem } from './statusItem';
import { followRuns, workflowsView } from './view';

/** Position and share of the height in the panel. */
const RANK = 10;
const SIZE = 1.5;

const workflows: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:workflows',
  description:
    'The workflows of the project in the left area, and in the status bar.',
  autoStart: true,
  requires: [IMLWSClient, IWorkflowEvents, IMLWSSidebar, IOpenDocuments],
  optional: [IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    runs: IWorkflowEvents,
    sidebar: IMLWSSidebar,
    documents: IOpenDocuments,
    statusBar: IStatusBar | null
  ) => {
    followRuns(client, runs);
    const open = ({ path }: { path: string }): void => {
      if (client.project) {
        documents.open(client.project, path, CANVAS_FACTORY);
      }
    };
    const view = workflowsView({
      client,
      onOpen: open,
      onCreate: () => void app.commands.execute('workflow:new')
    });
    sidebar.addSection({
      panel: 'workspace',
      view,
      rank: RANK,
      size: SIZE,
      lazy: true
    });
    const projectChanged = new Signal<MLWSClient, void>(client);
    client.projectChanged.connect(() => projectChanged.emit());
    statusBar?.registerStatusItem('jupyter-mlws:status', {
      item: statusItem({
        client,
        events: runs,
        onProject: () => void app.commands.execute('mlws:open-source-control'),
        onRun: open
      }),
      align: 'left',
      rank: 800,
      isActive: () => client.project !== null,
      activeStateChanged: projectChanged
    });
  }
};

export default workflows;
