import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { IMainViews } from './tokens';
import { MainViews } from './mainArea';

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

export default views;
