import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { DatasetActions, insideProject } from './actions';
import { DatasetDiffModel } from './diff';
import { DatasetsModel } from './model';
import type { IDataset, IDatasetVersion } from '../api/models';
import { DatasetsView } from './view';
import {
  IMainViews,
  IMLWSClient,
  IMLWSSidebar,
  IOpenDocuments,
  IWorkspaceEvents
} from '../lab/tokens';
import { dataIcon } from '../ui/fileIcons';
import { Restorer } from '../git/restore';

/** Between the history and the workflows. */
const RANK = 22;
const SIZE = 10;
/** The document factory of the canvas. */
const CANVAS = 'Workflow';

namespace CommandIDs {
  export const show = 'mlws:show-data';
  export const openDiff = 'mlws:open-data-diff';
  export const add = 'mlws:add-data';
  export const track = 'mlws:track-data';
}

const data: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:data',
  description: 'The data of the project: versions, transfers, remotes.',
  autoStart: true,
  requires: [
    IMLWSClient,
    IWorkspaceEvents,
    IMLWSSidebar,
    IDocumentManager,
    IOpenDocuments,
    IMainViews
  ],
  optional: [ITranslator, ICommandPalette, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    events: IWorkspaceEvents,
    sidebar: IMLWSSidebar,
    manager: IDocumentManager,
    documents: IOpenDocuments,
    views: IMainViews,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    files: IDefaultFileBrowser | null
  ) => {
    translator ??= nullTranslator;
    const trans = translator.load('jupyter_mlws');
    const showDiff = (id: string, path: string, commit: string) =>
      views.show(
        `data ${id} ${commit}`,
        async () => {
          const { DatasetDiffView } = await import('./diffView');
          const model = new DatasetDiffModel(client, events, id, commit);
          const view = new DatasetDiffView(model, client.language, trans);
          view.title.label = trans.__(
            'Changes in %1',
            path.split('/').pop() ?? path
          );
          view.title.caption = path;
          return { view, model };
        },
        { id: CommandIDs.openDiff, args: { id, path, commit } }
      );
    const openDiff = (dataset: IDataset, version: IDatasetVersion) =>
      showDiff(dataset.id, dataset.path, version.commit);

    const model = new DatasetsModel(client, events);
    const actions = new DatasetActions(
      client,
      model,
      manager,
      new Restorer(client, documents, trans),
      openDiff,
      use =>
        client.project && documents.open(client.project, use.workflow, CANVAS),
      of => void app.commands.execute('mlws:open-lineage', { of }),
      translator
    );
    const view = new DatasetsView(model, actions, client.language, trans);
    sidebar.addSection({
      view,
      model,
      look: () => model.look(),
      rank: RANK,
      size: SIZE,
      folded: true,
      lazy: true
    });

    const reveal = async () => {
      await app.restored;
      app.shell.activateById(sidebar.id);
      sidebar.expand(view);
    };
    app.commands.addCommand(CommandIDs.show, {
      label: trans.__('Show Data'),
      icon: dataIcon,
      execute: async args => {
        await reveal();
        if (typeof args.path === 'string' && client.project) {
          const path = insideProject(client.project, args.path);
          await model.refresh();
          const of = model.items.find(one => one.path === path);
          if (of && !model.expanded.has(of.id)) {
            await model.toggle(of.id);
          }
        }
      }
    });
    app.commands.addCommand(CommandIDs.openDiff, {
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
    app.commands.addCommand(CommandIDs.add, {
      label: trans.__('Add Data…'),
      icon: dataIcon,
      execute: async () => {
        await reveal();
        actions.add();
      }
    });
    app.commands.addCommand(CommandIDs.track, {
      label: trans.__('Track as Data'),
      caption: trans.__('Track a file or folder with DVC'),
      icon: dataIcon,
      isVisible: () => client.project !== null,
      execute: async args => {
        const chosen =
          typeof args.path === 'string'
            ? [args.path]
            : [...(files?.selectedItems() ?? [])].map(item => item.path);
        await reveal();
        await actions.addAll(chosen);
      }
    });
    for (const command of [CommandIDs.show, CommandIDs.add]) {
      palette?.addItem({
        command,
        category: trans.__('Versions and Workflows')
      });
    }
  }
};

export default data;
