import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ModelActions } from './actions';
import { RegistryModel } from './model';
import { RegistryView } from './view';
import {
  IMainViews,
  IMLWSClient,
  IMLWSSidebar,
  IModelRegistry,
  IWorkflowEvents,
  IWorkspaceEvents
} from '../lab/tokens';

/** Between the history and the workflows. */
const RANK = 24;
const SIZE = 10;

namespace CommandIDs {
  export const show = 'mlws:show-models';
  export const compare = 'mlws:compare-models';
  export const register = 'mlws:register-model';
}

const registry: JupyterFrontEndPlugin<IModelRegistry> = {
  id: 'jupyter-mlws:registry',
  description: 'The registered models of the project: versions and aliases.',
  autoStart: true,
  requires: [
    IMLWSClient,
    IWorkspaceEvents,
    IWorkflowEvents,
    IMLWSSidebar,
    IMainViews
  ],
  optional: [ITranslator, ICommandPalette],
  provides: IModelRegistry,
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    events: IWorkspaceEvents,
    runs: IWorkflowEvents,
    sidebar: IMLWSSidebar,
    views: IMainViews,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlws');
    const model = new RegistryModel(client, events, runs);
    const compare = (ids: readonly string[]) =>
      views.show(
        `models ${ids.join(' ')}`,
        async () => {
          const { ModelComparisonModel } = await import('./compare');
          const { ModelComparisonView } = await import('./compareView');
          const comparison = new ModelComparisonModel(client, events, ids);
          model.edited.connect(() => void comparison.refresh(), comparison);
          const view = new ModelComparisonView(
            comparison,
            actions,
            client.language,
            trans
          );
          view.title.label = trans.__('Compare %1 versions', ids.length);
          return { view, model: comparison };
        },
        { id: CommandIDs.compare, args: { ids: [...ids] } }
      );
    const actions = new ModelActions(
      client,
      model,
      compare,
      of => void app.commands.execute('mlws:open-lineage', { of }),
      trans
    );
    const view = new RegistryView(model, actions, client.language, trans);
    sidebar.addSection({
      view,
      model,
      rank: RANK,
      size: SIZE,
      folded: true,
      lazy: true
    });

    app.commands.addCommand(CommandIDs.show, {
      label: trans.__('Show Models'),
      execute: async args => {
        await app.restored;
        app.shell.activateById(sidebar.id);
        sidebar.expand(view);
        await model.refresh();
        const item = model.items.find(one => one.name === args.name);
        if (item && !model.expanded.has(item.id)) {
          await model.toggle(item.id);
        }
      }
    });
    app.commands.addCommand(CommandIDs.compare, {
      execute: async args => {
        if (Array.isArray(args.ids)) {
          await compare(args.ids.map(String));
        }
      }
    });
    app.commands.addCommand(CommandIDs.register, {
      label: trans.__('Register Model from Run…'),
      execute: () => actions.register()
    });
    for (const command of [CommandIDs.show, CommandIDs.register]) {
      palette?.addItem({
        command,
        category: trans.__('Versions and Workflows')
      });
    }
    return actions;
  }
};

export default registry;
