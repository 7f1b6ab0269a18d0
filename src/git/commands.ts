import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification } from '@jupyterlab/apputils';
import {
  addIcon,
  LabIcon,
  refreshIcon,
  undoIcon
} from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IBranch, OperationAction } from '../api/models';
import { notifyOnError } from '../lab/notify';
import type { State } from '../ui/state';
import {
  clickedPath,
  dataOf,
  describeSnapshot,
  idOf
} from '../lab/contextMenu';
import { subjectOf, type IHistoryFilter } from './history/history';
import { cloneProject } from './remotes/clone';
import { continueLabel, operationLabel } from './operationLabels';
import { knownStatus } from './changes/status';
import type { ICode } from './actions';
import { dataIcon } from '../ui/fileIcons';
import { branchIcon, mergeIcon, minusIcon, pullIcon, pushIcon } from './icons';
import { describeArgs, flag } from '../lab/describeArgs';
import { trans } from '../ui/locale';

export namespace CodeCommandIDs {
  export const stage = 'mlws:stage';
  export const unstage = 'mlws:unstage';
  export const trackChange = 'mlws:track-change';
  export const ignoreChange = 'mlws:ignore-change';
  export const toggleStaged = 'mlws:toggle-staged';
  export const discard = 'mlws:discard';
  export const fetch = 'mlws:fetch';
  export const pull = 'mlws:pull';
  export const push = 'mlws:push';
  export const addRemote = 'mlws:add-remote';
  export const newBranch = 'mlws:new-branch';
  export const switchBranch = 'mlws:switch-branch';
  export const resolve = 'mlws:resolve';
  export const merge = 'mlws:merge';
  export const continueOperation = 'mlws:continue-operation';
  export const skipCommit = 'mlws:skip-commit';
  export const abortOperation = 'mlws:abort-operation';
  export const newTag = 'mlws:new-tag';
  export const stash = 'mlws:stash';
  export const revert = 'mlws:revert';
  export const tagSnapshot = 'mlws:tag-snapshot';
  export const branchHere = 'mlws:branch-here';
  export const switchHere = 'mlws:switch-to-snapshot';
  export const clone = 'mlws:clone';
  export const fileHistory = 'mlws:file-history';
}

/** Commands of the palette, which need no context. */
export const PALETTE: readonly string[] = [
  CodeCommandIDs.clone,
  CodeCommandIDs.fetch,
  CodeCommandIDs.pull,
  CodeCommandIDs.push,
  CodeCommandIDs.addRemote,
  CodeCommandIDs.newBranch,
  CodeCommandIDs.switchBranch,
  CodeCommandIDs.merge,
  CodeCommandIDs.continueOperation,
  CodeCommandIDs.skipCommit,
  CodeCommandIDs.abortOperation,
  CodeCommandIDs.newTag,
  CodeCommandIDs.stash
];

/** Adds every command of code; `resolve` opens the view of a conflict. */
export function addCodeCommands(
  app: JupyterFrontEnd,
  code: ICode,
  history: { filter: State<IHistoryFilter>; show: () => Promise<void> },
  resolve: (path: string) => Promise<void>
): void {
  app.commands.addCommand(CodeCommandIDs.resolve, {
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
  app.commands.addCommand(CodeCommandIDs.clone, {
    describedBy: describeArgs(),
    label: trans.__('Clone a Repository…'),
    execute: () => cloneProject(code.work)
  });
  addStagingCommands(app, code);
  addRemoteCommands(app, code);
  addBranchCommands(app, code);
  addHistoryCommands(app, code, history);
}

interface IRow {
  path: string;
  staged: boolean;
}

/** Row of the changes: the focused row (`focused`), or the row of the context menu. */
function rowOf(
  app: JupyterFrontEnd,
  args: ReadonlyPartialJSONObject
): IRow | null {
  const focused = document.activeElement as HTMLElement | null;
  const data = (name: string) =>
    args.focused ? (focused?.dataset[name] ?? null) : dataOf(app, name);
  const path = typeof args.path === 'string' ? args.path : data('mlwsPath');
  return path === null ? null : { path, staged: data('mlwsStaged') === 'true' };
}

/** A command about a row of the changes. */
function onRow(
  app: JupyterFrontEnd,
  id: string,
  options: { label: string; icon?: LabIcon },
  act: (row: IRow) => Promise<void>
): void {
  app.commands.addCommand(id, {
    describedBy: describeArgs({
      path: clickedPath(),
      focused: flag(trans.__('Take the row that has the focus'))
    }),
    ...options,
    execute: async args => {
      const row = rowOf(app, args);
      if (row) {
        await act(row);
      }
    }
  });
}

function addStagingCommands(app: JupyterFrontEnd, { staging }: ICode): void {
  const { commands } = app;
  onRow(
    app,
    CodeCommandIDs.stage,
    { label: trans.__('Stage'), icon: addIcon },
    row => staging.stage({ paths: [row.path] })
  );
  onRow(
    app,
    CodeCommandIDs.unstage,
    { label: trans.__('Unstage'), icon: minusIcon },
    row => staging.unstage({ paths: [row.path] })
  );
  onRow(
    app,
    CodeCommandIDs.trackChange,
    { label: trans.__('Track as Data'), icon: dataIcon },
    row => staging.track(row.path)
  );
  onRow(
    app,
    CodeCommandIDs.ignoreChange,
    { label: trans.__('Add to .gitignore') },
    row => staging.ignore([row.path])
  );
  commands.addCommand(CodeCommandIDs.toggleStaged, {
    describedBy: describeArgs({
      path: trans.__(
        'Path of the file in the project; the row that has the focus if left out'
      )
    }),
    label: trans.__('Stage / Unstage'),
    execute: async args => {
      const row = rowOf(app, { ...args, focused: true });
      if (row) {
        const selection = { paths: [row.path] };
        await (row.staged
          ? staging.unstage(selection)
          : staging.stage(selection));
      }
    }
  });
  onRow(
    app,
    CodeCommandIDs.discard,
    { label: trans.__('Discard Changes…'), icon: undoIcon },
    async row => {
      if (!row.staged) {
        await staging.discard({ paths: [row.path] });
      }
    }
  );
}

function addRemoteCommands(app: JupyterFrontEnd, { remotes }: ICode): void {
  const { commands } = app;
  commands.addCommand(CodeCommandIDs.fetch, {
    describedBy: describeArgs(),
    label: trans.__('Fetch from Remote'),
    icon: refreshIcon,
    execute: () => remotes.fetch()
  });
  commands.addCommand(CodeCommandIDs.pull, {
    describedBy: describeArgs(),
    label: trans.__('Pull Code and Data'),
    icon: pullIcon,
    execute: () => remotes.pull()
  });
  commands.addCommand(CodeCommandIDs.push, {
    describedBy: describeArgs(),
    label: trans.__('Push Data and Code'),
    icon: pushIcon,
    execute: () => remotes.push()
  });
  commands.addCommand(CodeCommandIDs.addRemote, {
    describedBy: describeArgs(),
    label: trans.__('Add Git Remote…'),
    execute: () => remotes.edit().then(remote => remote?.name ?? null)
  });
}

function addBranchCommands(app: JupyterFrontEnd, code: ICode): void {
  const { commands } = app;
  const { refs } = code;
  commands.addCommand(CodeCommandIDs.newBranch, {
    describedBy: describeArgs(),
    label: trans.__('New Branch…'),
    icon: branchIcon,
    execute: () => refs.create()
  });
  commands.addCommand(CodeCommandIDs.switchBranch, {
    describedBy: describeArgs(),
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
  commands.addCommand(CodeCommandIDs.merge, {
    describedBy: describeArgs(),
    label: trans.__('Merge Branch…'),
    icon: mergeIcon,
    execute: async () => {
      const title = trans.__('Merge into Current Branch');
      const branch = await chooseBranch(code, title);
      if (branch) {
        const { remote, name } = branch;
        await refs.merge(remote ? `${remote}/${name}` : name);
      }
    }
  });
  const addAction = (
    id: string,
    action: OperationAction,
    label: (operation: string) => string
  ) =>
    commands.addCommand(id, {
      describedBy: describeArgs(),
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
  addAction(CodeCommandIDs.continueOperation, 'continue', operation =>
    continueLabel(operation)
  );
  addAction(CodeCommandIDs.skipCommit, 'skip', () => trans.__('Skip Commit'));
  addAction(CodeCommandIDs.abortOperation, 'abort', operation =>
    trans.__('Abort %1…', operationLabel(operation))
  );
  commands.addCommand(CodeCommandIDs.newTag, {
    describedBy: describeArgs(),
    label: trans.__('Tag Current Snapshot…'),
    execute: () => refs.createTag()
  });
  commands.addCommand(CodeCommandIDs.stash, {
    describedBy: describeArgs(),
    label: trans.__('Stash Changes…'),
    execute: () => refs.stash()
  });
}

function addHistoryCommands(
  app: JupyterFrontEnd,
  { work, refs }: ICode,
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
    CodeCommandIDs.revert,
    { label: trans.__('Revert to This Snapshot…'), icon: undoIcon },
    (id, subject) => refs.revertTo(id, subject)
  );
  onSnapshot(
    CodeCommandIDs.tagSnapshot,
    { label: trans.__('Tag…') },
    (id, subject) => refs.createTag(id, subject)
  );
  onSnapshot(
    CodeCommandIDs.branchHere,
    { label: trans.__('Create Branch from Here…'), icon: branchIcon },
    (id, subject) => refs.create(id, subject)
  );
  onSnapshot(
    CodeCommandIDs.switchHere,
    { label: trans.__('Checkout (Detached)') },
    (id, subject) => refs.switchToCommit(id, subject)
  );
  onRow(
    app,
    CodeCommandIDs.fileHistory,
    { label: trans.__('Show File History') },
    async row => {
      filter.value = { ...filter.value, path: row.path };
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
  const labels = branches.map(({ remote, name }) =>
    remote ? `${remote}/${name}` : name
  );
  const answer = await InputDialog.getItem({
    title,
    items: labels,
    okLabel: trans.__('Continue'),
    cancelLabel: trans.__('Cancel')
  });
  const at = answer.button.accept ? labels.indexOf(answer.value ?? '') : -1;
  return at < 0 ? null : branches[at];
}
