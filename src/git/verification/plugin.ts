import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { checkIcon } from '@jupyterlab/ui-components';

import { idOf } from '../snapshotCommands';
import { IMainViews, IMLWSClient, IWorkspaceEvents } from '../../lab/tokens';

namespace CommandIDs {
  export const verify = 'mlws:verify-snapshot';
}

const proof: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:proof',
  description: 'Verification and repair of snapshots.',
  autoStart: true,
  requires: [IMLWSClient, IWorkspaceEvents, IMainViews],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    events: IWorkspaceEvents,
    views: IMainViews,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlws');
    app.commands.addCommand(CommandIDs.verify, {
      label: trans.__('Verify Snapshot'),
      caption: trans.__(
        'Verify every object of the snapshot in git, the cache and the remote'
      ),
      icon: checkIcon,
      execute: async args => {
        const id = idOf(app, args);
        if (id) {
          await views.show(`proof ${id}`, async () => {
            const { ProofModel } = await import('./model');
            const { ProofView } = await import('./view');
            const model = new ProofModel(client, events, id);
            const view = new ProofView(model, client.language, trans);
            view.title.label = trans.__('Verification of %1', id.slice(0, 8));
            view.verify();
            return { view, model, icon: checkIcon };
          });
        }
      }
    });
  }
};

export default proof;
