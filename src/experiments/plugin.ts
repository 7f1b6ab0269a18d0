import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { spreadsheetIcon } from '@jupyterlab/ui-components';

import { RunActions } from './actions';
import { ExperimentsModel } from './model';
import { RunTableModel } from './table';
import type { IFoundRun } from '../api/models';
import { ExperimentsView } from './view';
import {
  IMainViews,
  IMLWSClient,
  IMLWSSidebar,
  IModelRegistry,
  IWorkflowEvents,
  IWorkspaceEvents
} from '../lab/tokens';
import { compareIcon } from '../ui/fileIcons';

/** Behind the workflows. */
const RANK = 40;
const SIZE = 3;

namespace CommandIDs {
  export const compare = 'mlws:compare-runs';
  export const openTable = 'mlws:open-experiments';
}

const experiments: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:experiments',
  description: 'The runs of the project: a table, comparison, reproduction.',
  autoStart: true,
  requires: [
    IMLWSClient,
    IWorkspaceEvents,
    IWorkflowEvents,
    IMLWSSidebar,
    IModelRegistry,
    IRenderMimeRegistry,
    IMainViews
  ],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    events: IWorkspaceEvents,
    runs: IWorkflowEvents,
    sidebar: IMLWSSidebar,
    registry: IModelRegistry,
    rendermime: IRenderMimeRegistry,
    views: IMainViews,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlws');
    const compare = (chosen: readonly IFoundRun[]) =>
      views.show(
        `runs ${chosen.map(run => run.id ?? run.run).join(' ')}`,
        async () => {
          const { CompareView } = await import('./comparison');
          const view = new CompareView({
            runs: chosen,
            client,
            rendermime,
            trans
          });
          view.title.label = trans.__('Compare %1 Runs', chosen.length);
          return { view, model: null };
        }
      );
    let table: RunTableModel | null = null;
    const openTable = () =>
      views.show(
        'experiments',
        async () => {
          const { RunTableView } = await import('./tableView');
          const model = (table = new RunTableModel(client, events, runs));
          const actions = new RunActions(app, client, model, registry, compare);
          const view = new RunTableView(model, actions, client.language, trans);
          return { view, model, icon: spreadsheetIcon };
        },
        { id: CommandIDs.openTable }
      );

    const model = new ExperimentsModel(client, events, runs);
    const view = new ExperimentsView(
      model,
      () => void app.commands.execute(CommandIDs.compare),
      openTable,
      client.language,
      trans
    );
    sidebar.addSection({
      view,
      model,
      rank: RANK,
      size: SIZE,
      folded: true,
      lazy: true
    });

    app.commands.addCommand(CommandIDs.compare, {
      label: trans.__('Compare Runs'),
      icon: compareIcon,
      execute: async args => {
        const ids = Array.isArray(args.runs) ? args.runs : model.selected;
        const chosen = model.items.filter(run => ids.includes(run.run));
        if (chosen.length < 2) {
          await app.restored;
          app.shell.activateById(sidebar.id);
          sidebar.expand(view);
          return;
        }
        await compare(chosen);
      }
    });
    app.commands.addCommand(CommandIDs.openTable, {
      label: trans.__('Open Experiment Table'),
      icon: spreadsheetIcon,
      execute: async args => {
        await openTable();
        if (table && typeof args.run === 'string') {
          const filter = `attributes.run_id = '${args.run}'`;
          table.search = { q: '', filter, workflow: '', nested: true };
        }
      }
    });
    for (const command of [CommandIDs.compare, CommandIDs.openTable]) {
      palette?.addItem({
        command,
        category: trans.__('Versions and Workflows')
      });
    }
  }
};

export default experiments;
