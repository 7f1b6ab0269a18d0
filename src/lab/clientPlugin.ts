import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { MLWSClient } from '../api/client';
import { followProject } from '../api/invalidation';
import { CredentialPrompts } from './credentialPrompts';
import { setLabLocale, trans } from '../ui/locale';
import { labServer } from './server';
import { IMLWSClient, IWorkflowEvents, IWorkspaceEvents } from './tokens';

const client: JupyterFrontEndPlugin<IMLWSClient> = {
  id: 'jupyter-mlws:client',
  description: 'Provides the client of the MLWS server API.',
  autoStart: true,
  optional: [ITranslator],
  provides: IMLWSClient,
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    setLabLocale(translator ?? nullTranslator);
    const client = new MLWSClient(labServer(app.serviceManager.serverSettings));
    client.askTrust = async project => {
      const answer = await showDialog({
        title: trans.__('Do you trust the authors of “%1”?', project.name),
        body: trans.__(
          'Its components, workflows and git hooks are programs that run with your ' +
            "permissions. If you don't know where the project comes from, review its " +
            'files first.'
        ),
        buttons: [
          Dialog.cancelButton({ label: trans.__('Not Now') }),
          Dialog.okButton({ label: trans.__('Trust') })
        ],
        // Enter must not trust.
        defaultButton: 0
      });
      return answer.button.accept;
    };
    followProject(client);
    void findProject(client);
    return client;
  }
};

/** Loads the projects, until it succeeds: the streams wait for a project. */
async function findProject(client: MLWSClient, pause = 1000): Promise<void> {
  try {
    await client.loadProjects();
  } catch (error) {
    console.warn('MLWS: the projects cannot be read', error);
    setTimeout(
      () => void findProject(client, Math.min(pause * 2, 60_000)),
      pause
    );
  }
}

const workflowEvents: JupyterFrontEndPlugin<IWorkflowEvents> = {
  id: 'jupyter-mlws:workflow-events',
  description: 'Provides the live events of workflow runs.',
  autoStart: true,
  requires: [IMLWSClient],
  provides: IWorkflowEvents,
  activate: (app: JupyterFrontEnd, client: IMLWSClient) =>
    client.stream('/workflows/status')
};

const workspaceEvents: JupyterFrontEndPlugin<IWorkspaceEvents> = {
  id: 'jupyter-mlws:workspace-events',
  description: 'Provides the live events of code, data and history.',
  autoStart: true,
  requires: [IMLWSClient],
  provides: IWorkspaceEvents,
  activate: (app: JupyterFrontEnd, client: IMLWSClient) =>
    client.stream('/workspace/status')
};

const questions: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:questions',
  description: 'Asks people for the credentials that operations wait for.',
  autoStart: true,
  requires: [IMLWSClient],
  activate: (app: JupyterFrontEnd, client: IMLWSClient) => {
    new CredentialPrompts(client);
  }
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  client,
  questions,
  workflowEvents,
  workspaceEvents
];
export default plugins;
