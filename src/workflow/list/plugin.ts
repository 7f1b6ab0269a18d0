import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import {
  CANVAS_FACTORY,
  IMLWSClient,
  IMLWSSidebar,
  IOpenDocuments,
  IWorkflowEvents
} from '../../lab/tokens';
import { followRuns, workflowsView } from './view';

/** After the branches. */
const RANK = 30;
const SIZE = 2;

const workflows: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:workflows',
  description: 'The workflows of the project in the left area.',
  autoStart: true,
  requires: [IMLWSClient, IWorkflowEvents, IMLWSSidebar, IOpenDocuments],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    runs: IWorkflowEvents,
    sidebar: IMLWSSidebar,
    documents: IOpenDocuments
  ) => {
    followRuns(client, runs);
    const view = workflowsView({
      client,
      onOpen: ({ path }) =>
        client.project && documents.open(client.project, path, CANVAS_FACTORY)
    });
    sidebar.addSection({
      view,
      rank: RANK,
      size: SIZE,
      folded: true,
      lazy: true
    });
  }
};

export default workflows;
