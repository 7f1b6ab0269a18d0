import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification } from '@jupyterlab/apputils';
import {
  addIcon,
  folderIcon,
  LabIcon,
  refreshIcon,
  undoIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';

import type { IBranch, OperationAction } from '../api/models';
import { notifyOnError } from '../lab/notify';
import type { State } from '../ui/state';
import {
  clickedPath,
  dataOf,
  describeSnapshot,
  idOf
} from '../lab/contextMenu';
import { NO_FILTER, subjectOf, type IHistoryFilter } from './history/history';
import { cloneProject } from './remotes/clone';
import { continueLabel, operationLabel } from './operationLabels';
import {
  discardLabel,
  ignoreLabel,
  stageLabel,
  trackLabel,
  unstageLabel
} from './changes/changeLists';
import { REFS } from './branches/branchActions';
import { groupChanges } from './changes/groups';
import {
  chosenBy,
  targetsOf,
  type IRow,
  type ISelectedRows,
  type ITargets
} from './changes/selection';
import { knownStatus } from './changes/status';
import type { ICode } from './actions';
import { branchName } from './branches/branchActions';
import { dataIcon } from '../ui/fileIcons';
import { branchIcon, mergeIcon, minusIcon, pullIcon, pushIcon } from './icons';
import { addCommand, describeArgs, flag } from '../lab/describeArgs';
import { trans } from '../ui/locale';

/** Adds a command that needs no context. */
type Add = (id: string, options: CommandRegistry.ICommandOptions) => void;

/**
 * Adds every command of code; returns those that need no context.
 *
 * `resolve`: opens the view of a conflict.
 */
export function addCodeCommands(
  app: JupyterFrontEnd,
  code: ICode,
  files: IFiles,
  history: { filter: State<IHistoryFilter>; show: () => Promise<void> },
  resolve: (path: string) => Promise<void>
): readonly string[] {
  const added: string[] = [];
  const add: Add = (id, options) => {
    addCommand(app.commands, id, options);
    added.push(id);
  };
  app.commands.addCommand('mlws:resolve', {
    describedBy: describeArgs({ path: clickedPath() }),
    label: trans.__('Resolve Conflict…'),
    icon: mergeIcon,
    execute: async args => {
      const path = args.path ?? dataOf(app, 'mlwsConflict');
      if (typeof path === 'string') {
        await resolve(path);
      }
    }
  });
  add('mlws:clone', {
    label: trans.__('Clone a Repository…'),
    execute: () => cloneProject(code.work)
  });
  addStagingCommands(app, code, files);
  addFileCommands(app, files);
  addRemoteCommands(add, code);
  addBranchCommands(add, code);
  addBranchMenu(app, code);
  addHistoryCommands(app, code, history);
  return added;
}

/** The row of the changes that has the focus (`focused`), or whose context menu is open. */
function rowOf(
  app: JupyterFrontEnd,
  args: ReadonlyPartialJSONObject
): IRow | null {
  const focused = document.activeElement as HTMLElement | null;
  const data = (name: string) =>
    args.focused ? (focused?.dataset[name] ?? null) : dataOf(app, name);
  const path =
    typeof args.path === 'string'
      ? args.path
      : (data('mlwsPath') ?? data('mlwsFolder'));
  return path === null ? null : { path, staged: data('mlwsStaged') === 'true' };
}

/** Describes the arguments that `rowOf` reads. */
function describeRow(): { args: ReadonlyJSONObject } {
  return describeArgs({
    path: clickedPath(),
    focused: flag(trans.__('Take the row that has the focus'))
  });
}

/** A command about a row of the changes. */
function onRow(
  app: JupyterFrontEnd,
  id: string,
  options: { label: string; icon?: LabIcon },
  act: (row: IRow) => Promise<unknown>
): void {
  app.commands.addCommand(id, {
    describedBy: describeRow(),
    ...options,
    execute: async args => {
      const row = rowOf(app, args);
      if (row) {
        await act(row);
      }
    }
  });
}

/** A command about the selected changes. */
interface ISelectionCommand {
  label: string;
  /** Its label for several files. */
  countLabel: (count: number) => string;
  icon?: LabIcon;
  /** The paths it acts on. */
  paths: (targets: ITargets & { staged: boolean }) => readonly string[];
  act: (paths: readonly string[]) => Promise<void>;
}

/** Files of the project, and the changes of them that are selected. */
export interface IFiles {
  selected: State<ISelectedRows>;
  /** Opens a file in JupyterLab. */
  open: (path: string) => void;
  /** Returns the file browser's path of a file. */
  place: (path: string) => string;
}

function addStagingCommands(
  app: JupyterFrontEnd,
  { staging, work }: ICode,
  { selected }: IFiles
): void {
  /** The targets of an action: the selection if the row is in it. */
  const targets = (args: ReadonlyPartialJSONObject) => {
    const row = rowOf(app, args);
    const status = knownStatus(work.client);
    const groups = row && status ? groupChanges(status) : null;
    if (!row || !groups) {
      return null;
    }
    const changes = row.staged ? groups.staged : groups.rest;
    const found = targetsOf(chosenBy(selected.value, row, changes));
    return { ...found, staged: row.staged };
  };
  const onSelection = (id: string, options: ISelectionCommand): void => {
    const pathsOf = (args: ReadonlyPartialJSONObject) => {
      const found = targets(args);
      return found ? options.paths(found) : [];
    };
    app.commands.addCommand(id, {
      describedBy: describeRow(),
      label: args => {
        const { length } = pathsOf(args);
        return length > 1 ? options.countLabel(length) : options.label;
      },
      icon: options.icon,
      execute: async args => {
        const paths = pathsOf(args);
        if (paths.length > 0) {
          await options.act(paths);
        }
      }
    });
  };
  onSelection('mlws:stage', {
    label: trans.__('Stage'),
    countLabel: stageLabel,
    icon: addIcon,
    paths: ({ stageable, staged }) => (staged ? [] : stageable),
    act: paths => staging.stage({ paths })
  });
  onSelection('mlws:unstage', {
    label: trans.__('Unstage'),
    countLabel: unstageLabel,
    icon: minusIcon,
    paths: ({ all, staged }) => (staged ? all : []),
    act: paths => staging.unstage({ paths })
  });
  onSelection('mlws:track-change', {
    label: trans.__('Track as Data'),
    countLabel: trackLabel,
    icon: dataIcon,
    paths: ({ isNew }) => isNew,
    act: paths => staging.track(paths)
  });
  onSelection('mlws:ignore-change', {
    label: trans.__('Add to .gitignore'),
    countLabel: ignoreLabel,
    paths: ({ isNew }) => isNew,
    act: paths => staging.ignore(paths)
  });
  onSelection('mlws:discard', {
    label: trans.__('Discard…'),
    countLabel: discardLabel,
    icon: undoIcon,
    paths: ({ all, staged }) => (staged ? [] : all),
    act: paths => staging.discard({ paths })
  });
  app.commands.addCommand('mlws:toggle-staged', {
    describedBy: describeArgs({
      path: trans.__(
        'Path of the file in the project; the row that has the focus if left out'
      )
    }),
    label: trans.__('Stage / Unstage'),
    execute: async args => {
      const found = targets({ ...args, focused: true });
      if (found?.staged) {
        await staging.unstage({ paths: found.all });
      } else if (found && found.stageable.length > 0) {
        await staging.stage({ paths: found.stageable });
      }
    }
  });
}

function addFileCommands(app: JupyterFrontEnd, { open, place }: IFiles): void {
  onRow(app, 'mlws:open-change', { label: trans.__('Open') }, async row =>
    open(row.path)
  );
  onRow(
    app,
    'mlws:open-change-at-head',
    { label: trans.__('Open at HEAD') },
    ({ path }) =>
      app.commands.execute('mlws:open-diff', { path, from: null, to: 'HEAD' })
  );
  onRow(app, 'mlws:blame-change', { label: trans.__('Show Blame') }, row =>
    app.commands.execute('mlws:blame', { path: row.path })
  );
  onRow(
    app,
    'mlws:reveal-change',
    { label: trans.__('Reveal in File Browser'), icon: folderIcon },
    ({ path }) =>
      app.commands.execute('filebrowser:go-to-path', { path: place(path) })
  );
}

function addRemoteCommands(add: Add, { remotes }: ICode): void {
  add('mlws:fetch', {
    label: trans.__('Fetch from Remote'),
    icon: refreshIcon,
    execute: () => remotes.fetch()
  });
  add('mlws:pull', {
    label: trans.__('Pull Code and Data'),
    icon: pullIcon,
    execute: () => remotes.pull()
  });
  add('mlws:push', {
    label: trans.__('Push Data and Code'),
    icon: pushIcon,
    execute: () => remotes.push()
  });
  add('mlws:open-pull-request', {
    label: trans.__('Open Pull Request…'),
    execute: () => remotes.openPullRequest()
  });
  add('mlws:add-remote', {
    label: trans.__('Add Git Remote…'),
    execute: () => remotes.edit().then(remote => remote?.name ?? null)
  });
}

function addBranchCommands(add: Add, code: ICode): void {
  const { refs, rewrites } = code;
  add('mlws:new-branch', {
    label: trans.__('New Branch…'),
    icon: branchIcon,
    execute: () => refs.create()
  });
  add('mlws:switch-branch', {
    label: trans.__('Switch to Branch…'),
    icon: branchIcon,
    execute: async () => {
      const title = trans.__('Switch to Branch');
      const branch = await chooseBranch(code, title);
      if (branch) {
        await refs.switchTo(branch);
      }
    }
  });
  add('mlws:merge', {
    label: trans.__('Merge Branch…'),
    icon: mergeIcon,
    execute: async () => {
      const title = trans.__('Merge into Current Branch');
      const branch = await chooseBranch(code, title);
      if (branch) {
        await refs.merge(branchName(branch));
      }
    }
  });
  const addAction = (
    id: string,
    action: OperationAction,
    label: (operation: string) => string
  ) =>
    add(id, {
      label: () => label(knownStatus(code.work.client)?.operation ?? 'merge'),
      isEnabled: () =>
        knownStatus(code.work.client)?.actions.includes(action) ?? false,
      execute: async () => {
        const operation = knownStatus(code.work.client)?.operation;
        if (operation) {
          await refs.advance(operation, action);
        }
      }
    });
  addAction('mlws:continue-operation', 'continue', operation =>
    continueLabel(operation)
  );
  addAction('mlws:skip-commit', 'skip', () => trans.__('Skip Commit'));
  addAction('mlws:abort-operation', 'abort', operation =>
    trans.__('Abort %1…', operationLabel(operation))
  );
  add('mlws:rebase', {
    label: trans.__('Rebase Current Branch…'),
    icon: mergeIcon,
    execute: async () => {
      const title = trans.__('Rebase onto');
      const branch = await chooseBranch(code, title);
      if (branch) {
        await rewrites.rebase(branchName(branch));
      }
    }
  });
  add('mlws:new-tag', {
    label: trans.__('Tag Current Snapshot…'),
    execute: () => refs.createTag()
  });
  add('mlws:stash', {
    label: trans.__('Stash Changes…'),
    execute: () => refs.stash()
  });
}

/** Commands of the menu of a branch. */
function addBranchMenu(
  app: JupyterFrontEnd,
  { work, refs, remotes, rewrites }: ICode
): void {
  const onBranch = (
    id: string,
    options: { label: string; icon?: LabIcon },
    act: (branch: IBranch) => Promise<void>
  ) =>
    app.commands.addCommand(id, {
      describedBy: describeArgs({
        name: trans.__('Name of the branch; the clicked one if left out')
      }),
      ...options,
      execute: async args => {
        const name = args.name ?? dataOf(app, 'mlwsRef');
        const { items } = await work.client.cached('/git/branches');
        const branch = items.find(one => branchName(one) === name);
        if (branch) {
          await act(branch);
        }
      }
    });
  onBranch(
    'mlws:merge-branch',
    { label: trans.__('Merge into Current Branch'), icon: mergeIcon },
    branch => refs.merge(branchName(branch))
  );
  onBranch(
    'mlws:rebase-onto-branch',
    { label: trans.__('Rebase Current Branch Onto It…') },
    branch => rewrites.rebase(branchName(branch))
  );
  onBranch(
    'mlws:push-branch',
    { label: trans.__('Push or Publish Branch'), icon: pushIcon },
    async ({ name }) => {
      await remotes.push(false, name);
      await work.client.refresh(...REFS);
    }
  );
  onBranch('mlws:rename-branch', { label: trans.__('Rename…') }, branch =>
    refs.rename(branch)
  );
  onBranch('mlws:delete-branch', { label: trans.__('Delete') }, branch =>
    refs.delete(branch)
  );
}

function addHistoryCommands(
  app: JupyterFrontEnd,
  { work, refs, rewrites }: ICode,
  { filter, show }: { filter: State<IHistoryFilter>; show: () => Promise<void> }
): void {
  const onSnapshot = (
    id: string,
    options: { label: string; icon?: LabIcon },
    act: (id: string, subject: string) => Promise<void>
  ) =>
    app.commands.addCommand(id, {
      describedBy: describeSnapshot(),
      ...options,
      execute: async args => {
        const id = idOf(app, args);
        if (id !== null) {
          await act(id, subjectOf(work.client, id));
        }
      }
    });
  onSnapshot(
    'mlws:cherry-pick',
    { label: trans.__('Cherry-Pick into Current Branch') },
    (id, subject) => rewrites.cherryPick(id, subject)
  );
  onSnapshot(
    'mlws:squash-commits',
    { label: trans.__('Squash This and All After It…') },
    (id, subject) => rewrites.squash(id, subject)
  );
  onSnapshot('mlws:tag-snapshot', { label: trans.__('Tag…') }, (id, subject) =>
    refs.createTag(id, subject)
  );
  onSnapshot(
    'mlws:branch-here',
    { label: trans.__('Create Branch from Here…'), icon: branchIcon },
    (id, subject) => refs.create(id, subject)
  );
  onRow(
    app,
    'mlws:file-history',
    { label: trans.__('File History') },
    async row => {
      filter.value = { ...NO_FILTER, path: row.path };
      await show();
    }
  );
}

async function chooseBranch(
  { work }: ICode,
  title: string
): Promise<IBranch | null> {
  const page = await notifyOnError(() => work.client.get('/git/branches'));
  if (!page) {
    return null;
  }
  const others = page.items.filter(branch => !branch.current);
  const branches = [
    ...others.filter(({ remote }) => remote === null),
    ...others.filter(({ remote }) => remote !== null)
  ];
  if (branches.length === 0) {
    Notification.info(trans.__('There is no other branch.'));
    return null;
  }
  const labels = branches.map(branchName);
  const answer = await InputDialog.getItem({
    title,
    items: labels,
    okLabel: trans.__('Continue'),
    cancelLabel: trans.__('Cancel')
  });
  const at = answer.button.accept ? labels.indexOf(answer.value ?? '') : -1;
  return at < 0 ? null : branches[at];
}
