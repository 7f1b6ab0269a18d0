import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { checkIcon } from '@jupyterlab/ui-components';

import { describeSnapshot, idOf } from '../../lab/contextMenu';
import { IMainViews, IMLWSClient } from '../../lab/tokens';

namespace CommandIDs {
  export const verify = 'mlws:verify-snapshot';
}

const proof: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:proof',
  description: 'Verification and repair of snapshots.',
  autoStart: true,
  requires: [IMLWSClient, IMainViews],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    views: IMainViews,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlws');
    views.toolbars.add('Snapshot Verification', 'jupyter-mlws:proof', [
      'verify',
      'quick-verify',
      'repair'
    ]);
    app.commands.addCommand(CommandIDs.verify, {
      describedBy: describeSnapshot(trans),
      label: trans.__('Verify Snapshot'),
      caption: trans.__(
        'Verify every object of the snapshot in git, the cache and the remote'
      ),
      icon: checkIcon,
      execute: async args => {
        const id = idOf(app, args);
        if (id) {
          await views.show(`proof ${id}`, async () => {
            const { proofView } = await import('./view');
            const view = proofView({ client, id });
            return { view, icon: checkIcon, toolbar: 'Snapshot Verification' };
          });
        }
      }
    });
  }
};

export default proof;
