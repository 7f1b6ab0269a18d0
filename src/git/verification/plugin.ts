import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { checkIcon } from '@jupyterlab/ui-components';

import { describeSnapshot, idOf } from '../../lab/contextMenu';
import { IMainViews, IMLWSClient } from '../../lab/tokens';
import { trans } from '../../ui/locale';

namespace CommandIDs {
  export const verify = 'mlws:verify-snapshot';
}

const proof: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:proof',
  description: 'Verification and repair of snapshots.',
  autoStart: true,
  requires: [IMLWSClient, IMainViews],
  optional: [],
  activate: (app: JupyterFrontEnd, client: IMLWSClient, views: IMainViews) => {
    views.toolbars.add('Snapshot Verification', 'jupyter-mlws:proof', [
      'verify',
      'quick-verify',
      'repair'
    ]);
    app.commands.addCommand(CommandIDs.verify, {
      describedBy: describeSnapshot(),
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
