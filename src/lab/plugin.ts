import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { OpenDocuments } from './documents';
import { MainViews } from './mainArea';
import { IMainViews, IOpenDocuments } from './tokens';
import { ViewToolbars } from './viewToolbar';

const views: JupyterFrontEndPlugin<IMainViews> = {
  id: 'jupyter-mlws:views',
  description: 'The views of the main area, opened again after a reload.',
  autoStart: true,
  requires: [IToolbarWidgetRegistry, ISettingRegistry],
  optional: [ITranslator, ILabShell, ILayoutRestorer],
  provides: IMainViews,
  activate: (
    app: JupyterFrontEnd,
    registry: IToolbarWidgetRegistry,
    settings: ISettingRegistry,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ) =>
    new MainViews(
      app,
      labShell,
      restorer,
      new ViewToolbars(registry, settings, translator ?? nullTranslator)
    )
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
