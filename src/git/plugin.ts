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

import { trans } from '../ui/locale';
import { projectState, State } from '../ui/state';
import { branchesView } from './branches/branchesView';
import { makeCode } from './actions';
import { addBlameCommand } from './blame';
import { addCodeCommands } from './commands';
import { conflictOpener } from './merge/open';
import { isStageable } from './changes/groups';
import {
  IMainViews,
  IMLWSClient,
  IOpenDocuments,
  IMLWSSidebar,
  IWorkspaceEvents
} from '../lab/tokens';
import { documentPath } from '../lab/documents';
import { Restorer } from '../lab/restorer';
import { addToPalette } from '../lab/palette';
import { changesView } from './changes/changesView';
import { CommitDraft } from './changes/commit';
import { NONE_SELECTED } from './changes/selection';
import { addCommands, CommandIDs, IPlaces } from './history/snapshotCommands';
import { NO_FILTER } from './history/history';
import { addGoBackCommands } from './history/goBack';
import { historyView } from './history/historyView';
import { sourceControlIcon, workspaceIcon } from './icons';
import { projectBar, projectName } from './projectBar';
import { SectionsPanel, Sidebar, type ISidebarLayout } from './sidebar';
import { knownStatus, readStatusByParts } from './changes/status';
import { noProject, Welcome } from './welcome';

/** Rank in the left area: after the file browser, running kernels and git-like extensions. */
const RANK = 250;
/** Pixels for the commit box and fourteen changed files. */
const CHANGES_HEIGHT = 440;
/** Shares of the height. */
const CHANGES_SIZE = 7;
const HISTORY_SIZE = 3;
const BRANCHES_SIZE = 3;
const LAYOUT_KEY = 'mlws-sidebar:layout';
const SIDES_KEY = 'mlws-diff:side-by-side';
/** Whether changes are shown in their folders. */
const TREE_KEY = 'mlws-sidebar:tree';

const plugin: JupyterFrontEndPlugin<IMLWSSidebar> = {
  id: 'jupyter-mlws:sidebar',
  description: 'Source Control and Workspace in the left area.',
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
    const selected = projectState(client, NONE_SELECTED);
    const isTree = new State(false);

    const run = (id: string, args = {}) => void commands.execute(id, args);
    const code = makeCode(
      client,
      documents,
      () => void sidebar.show(changes),
      () => run('mlws:set-up-data-remote', {})
    );
    const { staging, refs, remotes, rewrites } = code;
    const changes = changesView({
      client,
      draft,
      selected,
      isTree,
      actions: {
        openDiff: (change, staged, keep) =>
          run(CommandIDs.openDiff, {
            preview: !keep,
            path: change.path,
            ...(isStageable(change) ? { staged } : { from: 'HEAD' })
          }),
        stage: selection => void staging.stage(selection),
        unstage: selection => void staging.unstage(selection),
        discard: selection => void staging.discard(selection),
        track: paths => void staging.track(paths),
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
        newBranch: () => run('mlws:new-branch'),
        switchBranch: () => run('mlws:switch-branch'),
        pullData: data => void remotes.pullData(data),
        resolve: ({ path }) => run('mlws:resolve', { path }),
        advance: (operation, action) => void refs.advance(operation, action)
      }
    });
    const branches = branchesView({
      client,
      actions: refs,
      remotes,
      goBack: ({ id }) => run('mlws:go-back', { way: 'copy', copy: id }),
      reveal: path => run('mlws:reveal-change', { path }),
      onCompare: () => run(CommandIDs.compareRefs)
    });
    const history = historyView({
      client,
      filter,
      actions: {
        restore: ({ id }) => run(CommandIDs.restore, { id }),
        compare: ({ id }) => run(CommandIDs.compareSnapshot, { id }),
        copyId: ({ id }) => run(CommandIDs.copyId, { id }),
        verify: ({ id }) => run('mlws:verify-snapshot', { id }),
        openChange: ({ id, parents }, { path }) =>
          run(CommandIDs.openDiff, {
            preview: true,
            path,
            from: parents[0] ?? null,
            to: id
          })
      }
    });
    const welcome = new Welcome(client, () => run('mlws:clone'));
    const look = () => welcome.look();
    const sidebar = new Sidebar(app, {
      code: new SectionsPanel(client, {
        id: 'jp-mlws-source-control',
        label: trans.__('Source Control'),
        icon: sourceControlIcon,
        bar: projectBar({
          client,
          events: workspace,
          actions: remotes,
          showBranches: () => void sidebar.show(branches)
        }),
        welcome,
        look
      }),
      workspace: new SectionsPanel(client, {
        id: 'jp-mlws-workspace',
        label: trans.__('Workspace'),
        icon: workspaceIcon,
        bar: projectName(client),
        welcome: noProject(() => run(CommandIDs.openSourceControl)),
        look
      })
    });
    const panel = 'code';
    sidebar.addSection({
      panel,
      view: changes,
      rank: 0,
      size: CHANGES_SIZE,
      room: CHANGES_HEIGHT
    });
    sidebar.addSection({ panel, view: history, rank: 10, size: HISTORY_SIZE });
    sidebar.addSection({
      panel,
      view: branches,
      rank: 20,
      size: BRANCHES_SIZE,
      folded: true
    });
    Object.values(sidebar.panels).forEach((one, index) => {
      app.shell.add(one, 'left', { rank: RANK + index, type: 'MLWS' });
      restorer?.add(one, one.id);
    });
    const isSideBySide = new State(false);
    remember(state, TREE_KEY, isTree);
    remember(state, SIDES_KEY, isSideBySide);
    void state?.fetch(LAYOUT_KEY).then(kept => {
      // Both panels write into the same object, as the ids of their sections differ.
      const layout = (kept ?? {
        sizes: {},
        folded: {}
      }) as unknown as ISidebarLayout;
      for (const one of Object.values(sidebar.panels)) {
        one.restoreLayout(layout);
        one.layoutChanged.connect(
          (_, changed) =>
            void state.save(
              LAYOUT_KEY,
              changed as unknown as ReadonlyJSONObject
            )
        );
      }
    });

    const places: IPlaces = {
      sidebar,
      draft,
      changesView: changes,
      staging,
      rewrites,
      languages,
      status,
      isSideBySide
    };
    addCommands(app, client, documents, places, views);
    const resolve = conflictOpener(client, views, code, languages, status);
    const general = addCodeCommands(
      app,
      code,
      {
        selected,
        open: path => {
          if (client.project) {
            documents.open(client.project, path);
          }
        },
        place: path =>
          client.project ? documentPath(client.project, path) : path
      },
      { filter, show: () => sidebar.show(history) },
      resolve
    );
    addToPalette(
      palette,
      ...general,
      addBlameCommand(app, client, documents),
      CommandIDs.openSourceControl,
      CommandIDs.openWorkspace,
      CommandIDs.commit,
      CommandIDs.refresh,
      CommandIDs.restore,
      CommandIDs.compareRefs,
      addGoBackCommands(app, code, new Restorer(client, documents), draft),
      'mlws:undo-commit',
      CommandIDs.amendCommit
    );
    return sidebar;
  }
};

/** Keeps a choice of the user in JupyterLab's state. */
function remember(
  state: IStateDB | null,
  key: string,
  choice: State<boolean>
): void {
  void state?.fetch(key).then(stored => {
    choice.value = stored === true;
    choice.changed.connect((_, value) => void state.save(key, value));
  });
}

export default plugin;
