import type { ILabStatus, JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { copyIcon, refreshIcon, undoIcon } from '@jupyterlab/ui-components';
import { listText } from '../../ui/format';
import { APIError } from '../../api/client';
import { ask } from '../../lab/confirm';
import type { StagingActions } from '../changes/stagingActions';
import type { RewriteActions } from './rewriteActions';
import type { IMLWSClient } from '../../lab/tokens';
import { focusMessage } from '../changes/changesView';
import type { CommitDraft } from '../changes/commit';
import { branchName } from '../branches/branchActions';
import { EMPTY_TREE, type IVersions } from '../diff/diff';
import type { OpenDocuments } from '../../lab/documents';
import { subjectOf } from './history';
import { guardUnsaved } from '../unsaved';
import type { ServerView } from '../../ui/server';
import { State } from '../../ui/state';
import { compareIcon } from '../../ui/fileIcons';
import type { MainViews } from '../../lab/mainArea';
import {
  clickedPath,
  dataOf,
  describeSnapshot,
  idOf
} from '../../lab/contextMenu';
import { Restorer } from '../../lab/restorer';
import { sourceControlIcon, workspaceIcon } from '../icons';
import type { Sidebar } from '../sidebar';
import { notifyOnError } from '../../lab/notify';
import { addCommand, describeArgs, flag } from '../../lab/describeArgs';
import { trans } from '../../ui/locale';

export namespace CommandIDs {
  export const openSourceControl = 'mlws:open-source-control';
  export const openWorkspace = 'mlws:open-workspace';
  export const commit = 'mlws:commit';
  export const refresh = 'mlws:refresh';
  export const restore = 'mlws:restore';
  export const openDiff = 'mlws:open-diff';
  export const saveDiff = 'mlws:save-diff';
  export const compareSnapshot = 'mlws:compare-snapshot';
  export const markSnapshot = 'mlws:mark-snapshot';
  export const compareRefs = 'mlws:compare-refs';
  export const compareMarked = 'mlws:compare-marked';
  export const copyId = 'mlws:copy-snapshot-id';
  export const amendCommit = 'mlws:amend-commit';
}

/** The parts of the sidebar that commands act on. */
export interface IPlaces {
  sidebar: Sidebar;
  draft: CommitDraft;
  changesView: ServerView;
  staging: StagingActions;
  rewrites: RewriteActions;
  languages: IEditorLanguageRegistry | null;
  status: ILabStatus | null;
  /** Layout of the diffs of texts. */
  isSideBySide: State<boolean>;
}

export function addCommands(
  app: JupyterFrontEnd,
  client: IMLWSClient,
  documents: OpenDocuments,
  places: IPlaces,
  views: MainViews
): void {
  addSidebarCommands(app, client, documents, places);
  addSnapshotCommands(app, client, documents, places);
  addDiffCommands(app, client, documents, places, views);
}

function addSidebarCommands(
  app: JupyterFrontEnd,
  client: IMLWSClient,
  documents: OpenDocuments,
  places: IPlaces
): void {
  const { sidebar, draft, changesView } = places;
  addCommand(app.commands, CommandIDs.openSourceControl, {
    label: trans.__('Show Source Control'),
    icon: sourceControlIcon,
    execute: () => sidebar.activate('code')
  });
  addCommand(app.commands, CommandIDs.openWorkspace, {
    label: trans.__('Show Workspace'),
    icon: workspaceIcon,
    execute: () => sidebar.activate('workspace')
  });
  addCommand(app.commands, CommandIDs.refresh, {
    label: trans.__('Refresh Versions and Workflows'),
    icon: refreshIcon,
    execute: () => sidebar.refresh()
  });
  app.commands.addCommand(CommandIDs.commit, {
    describedBy: describeArgs({
      message: trans.__(
        'Message of the commit; the one in Source Control if left out'
      ),
      staged: flag(trans.__('Commit only what is staged')),
      allowSecrets: flag(trans.__('Commit files that seem to hold secrets')),
      allowMany: flag(trans.__('Commit an unusually large number of files'))
    }),
    label: trans.__('Commit Code, Data and Runs'),
    caption: trans.__(
      'Save all documents and commit code, data and runs together'
    ),
    execute: async args => {
      await sidebar.show(changesView);
      if (typeof args.message === 'string') {
        draft.message.value = args.message;
      }
      if (draft.message.value.trim() === '') {
        focusMessage(changesView.node);
        return null;
      }
      const snapshot = await notifyOnError(async () => {
        const { changes } = await client.cached('/git/status');
        return draft.commit(
          trans.__('Committing…'),
          () => saveOrFail(documents),
          {
            // By default as the button does: the index, if it has changes.
            staged:
              (args.staged as boolean | undefined) ??
              changes.some(one => one.staged),
            allowSecrets: args.allowSecrets === true,
            allowMany: args.allowMany === true
          }
        );
      });
      return snapshot?.id ?? null;
    }
  });
}

async function saveOrFail(documents: OpenDocuments): Promise<void> {
  const unsaved = await documents.saveAll();
  if (unsaved.length > 0) {
    throw new APIError(0, {
      message: trans.__(
        'Could not save %1, so nothing was committed.',
        listText(unsaved)
      ),
      solution: trans.__('Save or close these documents, then commit again.')
    });
  }
}

function addSnapshotCommands(
  app: JupyterFrontEnd,
  client: IMLWSClient,
  documents: OpenDocuments,
  { draft, rewrites }: IPlaces
): void {
  const restorer = new Restorer(client, documents);
  addCommand(app.commands, CommandIDs.amendCommit, {
    label: trans.__('Amend Last Commit…'),
    execute: () => rewrites.amend(draft)
  });

  app.commands.addCommand(CommandIDs.restore, {
    describedBy: describeSnapshot(),
    label: trans.__('Restore Snapshot…'),
    icon: undoIcon,
    execute: args =>
      notifyOnError(async () => {
        const id = idOf(app, args);
        return id === null
          ? app.commands.execute('mlws:go-back')
          : restorer.restore(id, subjectOf(client, id));
      })
  });
  app.commands.addCommand(CommandIDs.copyId, {
    describedBy: describeSnapshot(),
    label: trans.__('Copy Snapshot ID'),
    icon: copyIcon,
    execute: args => Clipboard.copyToSystem(idOf(app, args) ?? '')
  });
}

function addDiffCommands(
  app: JupyterFrontEnd,
  client: IMLWSClient,
  documents: OpenDocuments,
  places: IPlaces,
  views: MainViews
): void {
  views.toolbars.add('File Diff', 'jupyter-mlws:sidebar', [
    'stage',
    'unstage',
    'discard',
    'save',
    'open-file',
    'layout'
  ]);
  const save = (path: string) =>
    notifyOnError(
      async () => client.project && documents.save(client.project, path)
    );
  app.commands.addCommand(CommandIDs.saveDiff, {
    describedBy: describeArgs({
      path: trans.__(
        'Path of the file in the project; the one in the diff that has the focus if left out'
      )
    }),
    label: trans.__('Save File'),
    execute: async args => {
      const beside = document.activeElement?.closest<HTMLElement>(
        '.jp-mlws-SideBySide'
      );
      const path = args.path ?? beside?.dataset.mlwsPath;
      if (typeof path === 'string') {
        await save(path);
      }
    }
  });
  const openDiff = (path: string, versions: IVersions, isPreview = false) =>
    views.show(
      `diff ${path} ${JSON.stringify(versions)}`,
      async () => {
        const { fileDiffView } = await import('../diff/fileDiffView');
        const { staging } = places;
        const onOpen = () =>
          client.project && documents.open(client.project, path);
        const { languages } = places;
        const unsaved = new State(false);
        const mayClose = guardUnsaved(
          unsaved,
          places.status,
          trans.__('Your edits of “%1” will be lost.', path)
        );
        const view = fileDiffView({
          client,
          path,
          versions,
          staging,
          languages,
          isSideBySide: places.isSideBySide,
          unsaved,
          share: async () =>
            client.project && documents.share(client.project, path),
          currentChanged: app.shell.currentChanged,
          onOpen,
          onSave: () => void save(path),
          onChange: () => void notifyOnError(() => documents.reloadChanged())
        });
        return { view, toolbar: 'File Diff', mayClose };
      },
      { id: CommandIDs.openDiff, args: { path, ...versions } },
      isPreview
    );

  app.commands.addCommand(CommandIDs.openDiff, {
    describedBy: describeArgs({
      path: clickedPath(),
      from: {
        type: ['string', 'null'],
        description: trans.__(
          'Snapshot before the change; HEAD if left out, null for an empty one'
        )
      },
      to: trans.__('Snapshot after the change; the files on disk if left out'),
      staged: flag(trans.__('Compare with what is staged')),
      preview: flag(trans.__('Replace the view of the preview before'))
    }),
    label: trans.__('Show Changes'),
    icon: compareIcon,
    execute: async args => {
      const path = args.path ?? dataOf(app, 'mlwsPath');
      if (typeof path === 'string') {
        const from =
          args.from === undefined ? 'HEAD' : (args.from as string | null);
        const to = typeof args.to === 'string' ? { to: args.to } : {};
        const staged =
          typeof args.staged === 'boolean' ? { staged: args.staged } : {};
        await openDiff(
          path,
          { from: from ?? EMPTY_TREE, ...to, ...staged },
          args.preview === true
        );
      }
    }
  });
  const compare = (from: string, to: string) =>
    views.show(
      `snapshots ${from} ${to}`,
      async () => {
        const { snapshotDiffView } = await import('./snapshotDiffView');
        const onOpenFile = (path: string) => void openDiff(path, { from, to });
        const view = snapshotDiffView({ client, from, to, onOpenFile });
        return { view };
      },
      { id: CommandIDs.compareSnapshot, args: { id: from, to } }
    );
  addCommand(app.commands, CommandIDs.compareRefs, {
    label: trans.__('Compare Branches or Commits…'),
    icon: compareIcon,
    execute: () =>
      notifyOnError(async () => {
        const versions = await chooseVersions(client);
        if (versions) {
          await compare(versions.from, versions.to);
        }
      })
  });
  let selection: string | null = null;
  app.commands.addCommand(CommandIDs.markSnapshot, {
    describedBy: describeSnapshot(),
    label: trans.__('Select for Compare'),
    execute: args => {
      selection = idOf(app, args);
      app.commands.notifyCommandChanged(CommandIDs.compareMarked);
    }
  });
  app.commands.addCommand(CommandIDs.compareMarked, {
    describedBy: describeSnapshot(),
    label: () => trans.__('Compare with Selected %1', selection?.slice(0, 8)),
    icon: compareIcon,
    isVisible: () => selection !== null,
    execute: async args => {
      const to = idOf(app, args);
      if (selection !== null && to !== null) {
        await compare(selection, to);
      }
    }
  });
  app.commands.addCommand(CommandIDs.compareSnapshot, {
    describedBy: describeArgs({
      id: trans.__('ID of the snapshot; the one that was clicked if left out'),
      to: trans.__('Snapshot after the change; HEAD if left out')
    }),
    label: trans.__('Compare Snapshot with Current'),
    icon: compareIcon,
    execute: async args => {
      const from = idOf(app, args);
      if (from !== null) {
        await compare(from, typeof args.to === 'string' ? args.to : 'HEAD');
      }
    }
  });
}

/** Asks for two versions; resolves to the two ends of their comparison, or to null. */
async function chooseVersions(
  client: IMLWSClient
): Promise<{ from: string; to: string } | null> {
  const [branches, tags] = await Promise.all([
    client.get('/git/branches'),
    client.get('/git/tags')
  ]);
  const { CompareForm } = await import('./compareForm');
  const names = [
    'HEAD',
    ...branches.items.map(branchName),
    ...tags.items.map(tag => tag.name)
  ];
  const answer = await ask(
    trans.__('Compare Branches or Commits'),
    trans.__('Compare'),
    new CompareForm(names)
  );
  if (!answer?.from) {
    return null;
  }
  const { from, to, isMergeBase } = answer;
  return { from: isMergeBase ? `${from}...${to}` : from, to };
}
