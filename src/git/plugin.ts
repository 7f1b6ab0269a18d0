import {
  ILabStatus,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import { State } from '../ui/state';
import { branchesView } from './branches/branchesView';
import { makeCode } from './actions';
import { addCodeCommands } from './commands';
import { conflictOpener } from './merge/open';
import { isStageable } from './changes/stagingActions';
import {
  IMainViews,
  IMLWSClient,
  IOpenDocuments,
  IMLWSSidebar,
  IWorkspaceEvents
} from '../lab/tokens';
import { addToPalette } from '../lab/palette';
import { changesView } from './changes/changesView';
import { CommitDraft } from './changes/commit';
import { addCommands, CommandIDs, IPlaces } from './history/snapshotCommands';
import { NO_FILTER } from './history/history';
import { historyView } from './history/historyView';
import { projectBar } from './projectBar';
import { MLWSSidebar, type ISidebarLayout } from './sidebar';
import { knownStatus, readStatusByParts } from './changes/status';
import { Welcome } from './welcome';

/** Rank in the left area: after the file browser, running kernels and git-like extensions. */
const RANK = 250;
/** Pixels for the commit box and eight changed files. */
const CHANGES_HEIGHT = 332;
const LAYOUT_KEY = 'mlws-sidebar:layout';

const sidebar: JupyterFrontEndPlugin<IMLWSSidebar> = {
  id: 'jupyter-mlws:sidebar',
  description: 'Versions, workflows and runs of the project in the left area.',
  autoStart: true,
  requires: [IMLWSClient, IWorkspaceEvents, IOpenDocuments, IMainViews],
  optional: [
    ICommandPalette,
    ILayoutRestorer,
    IEditorLanguageRegistry,
    ILabStatus,
    IStateDB
  ],
  provides: IMLWSSidebar,
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    workspace: IWorkspaceEvents,
    documents: IOpenDocuments,
    views: IMainViews,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    languages: IEditorLanguageRegistry | null,
    status: ILabStatus | null,
    state: IStateDB | null
  ) => {
    const { commands } = app;

    readStatusByParts(client, workspace);
    const draft = new CommitDraft(client);
    const filter = new State(NO_FILTER);

    const run = (id: string, args = {}) => void commands.execute(id, args);
    const reveal = async (view: Widget) => {
      await commands.execute(CommandIDs.openSidebar);
      panel.expand(view);
    };
    const code = makeCode(
      client,
      documents,
      () => void reveal(changes),
      () => run('mlws:set-up-data-remote', {})
    );
    const { staging, refs, remotes, rewrites } = code;
    const changes = changesView({
      client,
      draft,
      actions: {
        openDiff: (change, staged) =>
          run(CommandIDs.openDiff, {
            path: change.path,
            ...(isStageable(change) ? { staged } : { from: 'HEAD' })
          }),
        stage: selection => void staging.stage(selection),
        unstage: selection => void staging.unstage(selection),
        discard: selection => void staging.discard(selection),
        track: path => void staging.track(path),
        ignore: paths => void staging.ignore(paths),
        commit: options =>
          run(CommandIDs.commit, { message: draft.message.value, ...options }),
        commitAs: async (identity, options) => {
          if (await staging.setIdentity(identity)) {
            run(CommandIDs.commit, {
              message: draft.message.value,
              ...options
            });
          }
        },
        returnToHead: () =>
          run(CommandIDs.restore, { id: knownStatus(client)?.head ?? 'HEAD' }),
        pullData: data => void remotes.pullData(data),
        resolve: ({ path }) => run('mlws:resolve', { path }),
        advance: (operation, action) => void refs.advance(operation, action)
      }
    });
    const branches = branchesView({ client, actions: refs, remotes });
    const history = historyView({
      client,
      filter,
      actions: {
        restore: ({ id }) => run(CommandIDs.restore, { id }),
        compare: ({ id }) => run(CommandIDs.compareSnapshot, { id }),
        copyId: ({ id }) => run(CommandIDs.copyId, { id }),
        verify: ({ id }) => run('mlws:verify-snapshot', { id }),
        openChange: ({ id, parents }, { path }) =>
          run(CommandIDs.openDiff, { path, from: parents[0] ?? null, to: id })
      }
    });
    const panel = new MLWSSidebar(
      client,
      projectBar({
        client,
        events: workspace,
        actions: remotes,
        showBranches: () => void reveal(branches)
      }),
      new Welcome(client, () => run('mlws:clone')),
      [
        { view: changes, room: CHANGES_HEIGHT },
        { view: history },
        { view: branches, folded: true }
      ]
    );
    app.shell.add(panel, 'left', { rank: RANK, type: 'MLWS' });
    restorer?.add(panel, panel.id);
    void state?.fetch(LAYOUT_KEY).then(layout => {
      if (layout) {
        panel.restoreLayout(layout as unknown as ISidebarLayout);
      }
      panel.layoutChanged.connect(
        (_, changed) =>
          void state.save(LAYOUT_KEY, changed as unknown as ReadonlyJSONObject)
      );
    });

    const places: IPlaces = {
      panel,
      draft,
      changesView: changes,
      staging,
      rewrites,
      languages
    };
    addCommands(app, client, documents, places, views);
    const resolve = conflictOpener(client, views, code, languages, status);
    const general = addCodeCommands(
      app,
      code,
      { filter, show: () => reveal(history) },
      resolve
    );
    addToPalette(
      palette,
      ...general,
      CommandIDs.openSidebar,
      CommandIDs.commit,
      CommandIDs.refresh,
      CommandIDs.restore,
      CommandIDs.undoCommit,
      CommandIDs.amendCommit
    );
    return panel;
  }
};

export default sidebar;
