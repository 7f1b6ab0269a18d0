import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import { addCommand, describeArgs } from '../lab/describeArgs';
import { documentPath } from '../lab/documents';
import { notifyOnError } from '../lab/notify';
import { addToPalette } from '../lab/palette';
import {
  IMLWSClient,
  IMLWSSidebar,
  IOpenDocuments,
  IWorkspaceEvents
} from '../lab/tokens';
import { trans } from '../ui/locale';
import { projectState } from '../ui/state';
import { EnvironmentActions, type IEnvironmentHost } from './actions';
import { environmentIcon, environmentsView } from './view';

/** After the data. */
const RANK = 50;

namespace CommandIDs {
  export const show = 'mlws:show-environments';
  export const create = 'mlws:create-environment';
}

const environments: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:environments',
  description: 'The environments of the project: packages, locks, kernels.',
  autoStart: true,
  requires: [IMLWSClient, IMLWSSidebar, IOpenDocuments, IWorkspaceEvents],
  optional: [ICommandPalette, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    sidebar: IMLWSSidebar,
    documents: IOpenDocuments,
    events: IWorkspaceEvents,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null
  ) => {
    const { commands } = app;
    const { kernelspecs } = app.serviceManager;
    const refreshKernels = () => kernelspecs.refreshSpecs();
    const expanded = projectState<ReadonlySet<string>>(client, new Set());
    const host: IEnvironmentHost = {
      openFile: path => client.project && documents.open(client.project, path),
      openUse: ({ kind, path, name }) => {
        if (client.project && kind === 'node') {
          const workflow = documentPath(client.project, path);
          void commands.execute('workflow:show-node', { workflow, node: name });
        } else if (client.project) {
          documents.open(client.project, path);
        }
      },
      newNotebook: ({ kernel }) =>
        void notifyOnError(async () => {
          await refreshKernels();
          await commands.execute('notebook:create-new', {
            kernelName: kernel,
            cwd: documentPath(client.project!, '')
          });
        }),
      refreshKernels
    };
    const actions = new EnvironmentActions(client, host, expanded);
    const view = environmentsView({ client, actions });
    sidebar.addSection({
      panel: 'workspace',
      view,
      rank: RANK,
      folded: true,
      lazy: true
    });

    // Environments that were installed or deleted are kernels of the launcher, or no more.
    events.message.connect((_, event) => {
      if (event.type === 'workspace' && event.areas.includes('environments')) {
        void refreshKernels();
      }
    });
    // The specifications of kernels of environments have this key; false if they can start.
    const needsKernel = (name: string) =>
      kernelspecs.specs?.kernelspecs[name]?.metadata?.needs_ipykernel;
    notebooks?.widgetAdded.connect((_, { sessionContext }) => {
      sessionContext.kernelChanged.connect((_, { newValue }) => {
        if (newValue && needsKernel(newValue.name) === true) {
          void notifyOnError(() =>
            actions.offerKernel(sessionContext, newValue.name)
          );
        }
      });
      // Jupyter would ask for the kernel of a new notebook. Its content, which is read later, may
      // name another kernel or language.
      const preference = sessionContext.kernelPreference;
      const name = kernelspecs.specs?.default ?? '';
      if (!preference.id && !preference.name && needsKernel(name) === false) {
        sessionContext.kernelPreference = { ...preference, name };
        sessionContext.kernelPreferenceChanged.connect((_, { newValue }) => {
          const { language } = newValue;
          if (newValue.name === name && language && language !== 'python') {
            sessionContext.kernelPreference = { ...newValue, name: '' };
          }
        });
      }
    });

    commands.addCommand(CommandIDs.show, {
      describedBy: describeArgs({
        name: trans.__('Name of the environment to expand')
      }),
      label: trans.__('Show Environments'),
      icon: environmentIcon,
      execute: async args => {
        await sidebar.show(view);
        if (typeof args.name === 'string') {
          expanded.value = new Set([...expanded.value, args.name]);
        }
      }
    });
    addCommand(commands, CommandIDs.create, {
      label: trans.__('Create Environment…'),
      icon: environmentIcon,
      execute: async () => {
        await sidebar.show(view);
        await actions.create('');
      }
    });
    addToPalette(palette, CommandIDs.show, CommandIDs.create);
  }
};

export default environments;
