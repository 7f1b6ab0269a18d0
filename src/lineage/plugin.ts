import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, InputDialog } from '@jupyterlab/apputils';

import { dataOf } from '../lab/contextMenu';
import { LineageActions } from './actions';
import { lineageIcon } from './icons';
import { IMainViews, IMLWSClient, IOpenDocuments } from '../lab/tokens';
import { addToPalette } from '../lab/palette';
import { describeArgs, flag } from '../lab/describeArgs';
import { trans } from '../ui/locale';

namespace CommandIDs {
  export const open = 'mlws:open-lineage';
}

const lineage: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:lineage',
  description: 'What models, runs, data and snapshots came of, as a graph.',
  autoStart: true,
  requires: [IMLWSClient, IOpenDocuments, IMainViews],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    documents: IOpenDocuments,
    views: IMainViews,
    palette: ICommandPalette | null
  ) => {
    const actions = new LineageActions(app, client, documents);
    views.toolbars.add('Lineage', 'jupyter-mlws:lineage', [
      'back',
      'open',
      'follow'
    ]);
    const show = (of: string) =>
      views.show(
        `lineage ${of}`,
        async () => {
          const { lineageView } = await import('./view');
          const view = lineageView({ client, actions, of });
          return { view, icon: lineageIcon, toolbar: 'Lineage' };
        },
        { id: CommandIDs.open, args: { of } }
      );

    app.commands.addCommand(CommandIDs.open, {
      describedBy: describeArgs({
        of: trans.__(
          'model:NAME, model:NAME:VERSION, run:ID, dataset:PATH or snapshot:ID'
        ),
        clicked: flag(trans.__('Take the snapshot that was clicked'))
      }),
      label: trans.__('Show Lineage…'),
      caption: trans.__('Where an item comes from, and what was made from it'),
      icon: lineageIcon,
      execute: async args => {
        if (typeof args.of === 'string') {
          await show(args.of);
          return;
        }
        const snapshot = dataOf(app, 'mlwsSnapshot');
        if (snapshot && args.clicked === true) {
          await show(`snapshot:${snapshot}`);
          return;
        }
        const answer = await InputDialog.getText({
          title: trans.__('Show Lineage'),
          label: trans.__(
            'model:NAME, model:NAME:VERSION, run:ID, dataset:PATH or snapshot:ID'
          ),
          text: 'snapshot:HEAD',
          okLabel: trans.__('Show')
        });
        if (answer.button.accept && answer.value?.trim()) {
          await show(answer.value.trim());
        }
      }
    });
    addToPalette(palette, CommandIDs.open);
  }
};

export default lineage;
