import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { ModelActions } from './actions';
import { projectState } from '../ui/state';
import { modelsView } from './view';
import {
  IMainViews,
  IMLWSClient,
  IMLWSSidebar,
  IModelRegistry,
  IOpenDocuments
} from '../lab/tokens';
import { addToPalette } from '../lab/palette';
import { addCommand, describeArgs } from '../lab/describeArgs';
import { trans } from '../ui/locale';

/** After the runs. */
const RANK = 30;

namespace CommandIDs {
  export const show = 'mlws:show-models';
  export const open = 'mlws:open-model';
  export const compare = 'mlws:compare-models';
  export const register = 'mlws:register-model';
}

const registry: JupyterFrontEndPlugin<IModelRegistry> = {
  id: 'jupyter-mlws:registry',
  description: 'The registered models of the project: versions and aliases.',
  autoStart: true,
  requires: [
    IMLWSClient,
    IMLWSSidebar,
    IMainViews,
    IRenderMimeRegistry,
    IOpenDocuments
  ],
  optional: [ICommandPalette],
  provides: IModelRegistry,
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    sidebar: IMLWSSidebar,
    views: IMainViews,
    renderers: IRenderMimeRegistry,
    documents: IOpenDocuments,
    palette: ICommandPalette | null
  ) => {
    const compare = (ids: readonly string[]) =>
      views.show(
        `models ${ids.join(' ')}`,
        async () => {
          const { comparisonView } = await import('./compareView');
          return { view: comparisonView({ client, actions, ids }) };
        },
        { id: CommandIDs.compare, args: { ids: [...ids] } }
      );
    const actions = new ModelActions(
      client,
      documents,
      (command, args) => void app.commands.execute(command, { ...args })
    );
    const expanded = projectState<ReadonlySet<string>>(client, new Set());
    const view = modelsView({ client, actions, renderers, expanded });
    sidebar.addSection({
      panel: 'workspace',
      view,
      rank: RANK,
      folded: true,
      lazy: true
    });

    app.commands.addCommand(CommandIDs.show, {
      describedBy: describeArgs({
        name: trans.__('Name of the model to expand')
      }),
      label: trans.__('Show Models'),
      execute: async args => {
        await sidebar.show(view);
        await view.refresh();
        if (typeof args.name === 'string') {
          expanded.value = new Set([...expanded.value, args.name]);
        }
      }
    });
    app.commands.addCommand(CommandIDs.compare, {
      describedBy: describeArgs(
        {
          ids: {
            type: 'array',
            items: { type: 'string' },
            description: trans.__('IDs of the versions to compare')
          }
        },
        ['ids']
      ),
      execute: async args => {
        if (Array.isArray(args.ids)) {
          await compare(args.ids.map(String));
        }
      }
    });
    app.commands.addCommand(CommandIDs.open, {
      describedBy: describeArgs({ name: trans.__('Name of the model') }, [
        'name'
      ]),
      label: trans.__('Open Model'),
      execute: async ({ name }) => {
        if (typeof name !== 'string') {
          return;
        }
        await views.show(
          `model ${name}`,
          async () => {
            const { modelPageView } = await import('./page');
            return {
              view: modelPageView({ client, actions, renderers, name })
            };
          },
          { id: CommandIDs.open, args: { name } }
        );
      }
    });
    addCommand(app.commands, CommandIDs.register, {
      label: trans.__('Register Model from Run…'),
      execute: () => actions.register()
    });
    addToPalette(palette, CommandIDs.show, CommandIDs.register);
    return actions;
  }
};

export default registry;
