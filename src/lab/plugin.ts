import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';

import { OpenDocuments } from './documents';
import { MainViews } from './mainArea';
import { IMainViews, IOpenDocuments } from './tokens';

const views: JupyterFrontEndPlugin<IMainViews> = {
  id: 'jupyter-mlws:views',
  description: 'The views of the main area, opened again after a reload.',
  autoStart: true,
  optional: [ILabShell, ILayoutRestorer],
  provides: IMainViews,
  activate: (
    app: JupyterFrontEnd,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ) => new MainViews(app, labShell, restorer)
};

const documents: JupyterFrontEndPlugin<IOpenDocuments> = {
  id: 'jupyter-mlws:documents',
  description:
    'The open documents: saved before a commit, reloaded after a restore.',
  autoStart: true,
  requires: [IDocumentManager],
  provides: IOpenDocuments,
  activate: (app: JupyterFrontEnd, manager: IDocumentManager) =>
    new OpenDocuments(manager, () => app.shell.widgets('main'))
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [views, documents];
export default plugins;
