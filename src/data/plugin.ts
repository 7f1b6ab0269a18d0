import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';

import { DatasetActions, insideProject, OUTPUTS } from './actions';
import { projectState } from '../ui/state';
import { dataView } from './view';
import {
  CANVAS_FACTORY,
  IMainViews,
  IMLWSClient,
  IMLWSSidebar,
  IOpenDocuments
} from '../lab/tokens';
import { dataIcon } from '../ui/fileIcons';
import { Restorer } from '../lab/restorer';
import { addToPalette } from '../lab/palette';
import { addCommand, describeArgs } from '../lab/describeArgs';
import { dataOf } from '../lab/contextMenu';
import { escapeId } from '../api/client';
import { trans } from '../ui/locale';

/** After the models. */
const RANK = 40;

namespace CommandIDs {
  export const show = 'mlws:show-data';
  export const openDiff = 'mlws:open-data-diff';
  export const add = 'mlws:add-data';
  export const setUpRemote = 'mlws:set-up-data-remote';
  export const pull = 'mlws:pull-dataset';
  export const track = 'mlws:track-data';
}

const data: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:data',
  description: 'The data of the project: versions, transfers, remotes.',
  autoStart: true,
  requires: [
    IMLWSClient,
    IMLWSSidebar,
    IDocumentManager,
    IOpenDocuments,
    IMainViews
  ],
  optional: [ICommandPalette, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    sidebar: IMLWSSidebar,
    manager: IDocumentManager,
    documents: IOpenDocuments,
    views: IMainViews,
    palette: ICommandPalette | null,
    files: IDefaultFileBrowser | null
  ) => {
    const showDiff = (id: string, path: string, from: string) =>
      views.show(
        `data ${id} ${from}`,
        async () => {
          const { datasetDiffView } = await import('./diffView');
          const view = datasetDiffView({ client, path, from });
          return { view };
        },
        { id: CommandIDs.openDiff, args: { id, path, commit: from } }
      );
    const actions = new DatasetActions(
      client,
      manager,
      new Restorer(client, documents),
      (dataset, version) =>
        void showDiff(dataset.id, dataset.path, version.commit),
      use =>
        client.project &&
        documents.open(client.project, use.workflow, CANVAS_FACTORY),
      of => void app.commands.execute('mlws:open-lineage', { of })
    );
    const expanded = projectState<ReadonlySet<string>>(client, new Set());
    const view = dataView({ client, actions, expanded });
    sidebar.addSection({
      panel: 'workspace',
      view,
      rank: RANK,
      folded: true,
      lazy: true
    });

    app.commands.addCommand(CommandIDs.show, {
      describedBy: describeArgs({
        path: trans.__('Path of the dataset to expand')
      }),
      label: trans.__('Show Data'),
      icon: dataIcon,
      execute: async args => {
        await sidebar.show(view);
        if (typeof args.path === 'string' && client.project) {
          const path = insideProject(client.project, args.path);
          if (path) {
            // It may be an output.
            expanded.value = new Set([...expanded.value, path, OUTPUTS]);
          }
        }
      }
    });
    app.commands.addCommand(CommandIDs.openDiff, {
      describedBy: describeArgs(
        {
          id: trans.__('ID of the dataset'),
          path: trans.__('Path of the dataset'),
          commit: trans.__('Commit to compare with')
        },
        ['id', 'path', 'commit']
      ),
      execute: async args => {
        if (args.id && args.path && args.commit) {
          await showDiff(
            String(args.id),
            String(args.path),
            String(args.commit)
          );
        }
      }
    });
    addCommand(app.commands, CommandIDs.setUpRemote, {
      label: trans.__('Set Up Data Remote…'),
      icon: dataIcon,
      execute: async () => {
        await sidebar.show(view);
        actions.panel.value = 'remotes';
      }
    });
    addCommand(app.commands, CommandIDs.add, {
      label: trans.__('Add Data…'),
      icon: dataIcon,
      execute: async () => {
        await sidebar.show(view);
        actions.add();
      }
    });
    app.commands.addCommand(CommandIDs.pull, {
      describedBy: describeArgs({
        path: trans.__(
          'Path of the dataset; the one that was clicked if left out'
        )
      }),
      label: trans.__('Pull'),
      icon: dataIcon,
      execute: args => {
        const path = args.path ?? dataOf(app, 'mlwsDataset');
        if (typeof path === 'string') {
          actions.pull({ id: escapeId(path), path });
        }
      }
    });
    app.commands.addCommand(CommandIDs.track, {
      describedBy: describeArgs({
        path: trans.__(
          'Path of a file or folder; the selection of the file browser if left out'
        )
      }),
      label: trans.__('Track as Data'),
      caption: trans.__('Track a file or folder with DVC'),
      icon: dataIcon,
      isVisible: () => client.project !== null,
      execute: async args => {
        const paths =
          typeof args.path === 'string'
            ? [args.path]
            : [...(files?.selectedItems() ?? [])].map(item => item.path);
        await sidebar.show(view);
        await actions.addAll(paths);
      }
    });
    addToPalette(
      palette,
      CommandIDs.show,
      CommandIDs.add,
      CommandIDs.setUpRemote
    );
  }
};

export default data;
