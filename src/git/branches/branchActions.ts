import { InputDialog, Notification } from '@jupyterlab/apputils';
import { confirm } from '../../lab/confirm';
import { APIError, escapeId, MLWSClient } from '../../api/client';
import type { IBranch, IStash, ITag, OperationAction } from '../../api/models';
import { notifyOnError } from '../../lab/notify';
import { askFields } from '../../lab/fieldsDialog';
import type { Work } from '../../lab/work';
import { operationLabel } from '../operationLabels';
import { trans } from '../../ui/locale';

/** Error code: commits are on no other branch. */
const NOT_MERGED = '30212';

/** API paths of branches, tags, stashes, safety copies and remotes. */
export const REFS = [
  '/git/branches',
  '/git/tags',
  '/git/stashes',
  '/git/safety',
  '/git/remotes',
  '/git/worktrees',
  '/git/submodules'
];

/** Name of a branch, with its remote. */
export function branchName({ remote, name }: IBranch): string {
  return remote ? `${remote}/${name}` : name;
}

/** Operations on branches, tags and stashes, and the start and end of a merge. */
export class BranchActions {
  /** `showConflicts`: opens the conflicts. */
  constructor(
    private _client: MLWSClient,
    private _work: Work,
    private _showConflicts: () => void
  ) {}

  /** Checks out a branch; for a remote branch creates a local one. */
  async switchTo({ name, remote }: IBranch): Promise<void> {
    await notifyOnError(async () => {
      const { items } = await this._client.cached('/git/branches');
      const here = items.some(one => one.remote === null && one.name === name);
      const body =
        remote !== null && !here
          ? { branch: name, ref: `${remote}/${name}`, create: true }
          : { branch: name };
      await this._checkout(body, name);
    });
  }

  /** Checks out a commit (detached HEAD). */
  async switchToCommit(ref: string, name: string): Promise<void> {
    await this._checkout({ ref }, name);
  }

  /** Asks for a name; `from`: start point of the branch, displayed as `what`. */
  async create(from = 'HEAD', what?: string): Promise<void> {
    const answer = await InputDialog.getText({
      title: trans.__('New Branch'),
      label: what
        ? trans.__('Name of the new branch (from “%1”)', what)
        : trans.__('Name of the new branch'),
      okLabel: trans.__('Create'),
      cancelLabel: trans.__('Cancel'),
      checkbox: { label: trans.__('Switch to the new branch'), checked: true }
    });
    const name = answer.value?.trim();
    if (!answer.button.accept || !name) {
      return;
    }
    if (answer.isChecked) {
      await this._checkout({ branch: name, ref: from, create: true }, name);
    } else {
      await notifyOnError(() =>
        this._client.post('/git/branch', { name, from })
      );
    }
    await this._client.refresh(...REFS);
  }

  /** Asks for another name of a branch. */
  async rename({ name }: IBranch): Promise<void> {
    const answer = await InputDialog.getText({
      title: trans.__('Rename Branch'),
      label: trans.__('New name of “%1”', name),
      text: name,
      okLabel: trans.__('Rename'),
      cancelLabel: trans.__('Cancel')
    });
    const to = answer.value?.trim();
    if (answer.button.accept && to && to !== name) {
      const id = encodeURIComponent(escapeId(name));
      await notifyOnError(() =>
        this._client.patch(`/git/branch/${id}`, { name: to })
      );
      await this._client.refresh('/git', ...REFS);
    }
  }

  /** Deletes a branch; a safety copy keeps commits that no other branch has. */
  async delete(branch: IBranch): Promise<void> {
    const { name, commit } = branch;
    await notifyOnError(async () => {
      try {
        await this._delete(name, false);
      } catch (error) {
        if (!(error instanceof APIError && error.code === NOT_MERGED)) {
          throw error;
        }
        const sure = await confirm(
          trans.__('Delete branch “%1”?', name),
          trans.__(
            'This branch has commits that no other branch has (latest: %1). A safety ' +
              'copy keeps them.',
            commit.slice(0, 8)
          ),
          trans.__('Delete')
        );
        if (!sure) {
          return;
        }
        await this._delete(name, true);
      }
      Notification.success(trans.__('Deleted branch “%1”.', name), {
        autoClose: 10_000,
        actions: [
          {
            label: trans.__('Undo'),
            callback: () =>
              void notifyOnError(() =>
                this._client.post('/git/branch', { name, from: commit })
              )
          }
        ]
      });
    });
  }

  /** Merges a branch, tag or commit into the current branch. */
  async merge(ref: string): Promise<void> {
    const merged = await this._work.carryOut(
      '/git/merge',
      { ref },
      {
        doing: trans.__('Merging “%1”…', ref),
        done: ({ outcome }) =>
          ({
            up_to_date: trans.__('Already up to date with “%1”.', ref),
            fast_forward: trans.__('Fast-forwarded to “%1”.', ref),
            merged: trans.__('Merged “%1”.', ref),
            conflicts: null
          })[outcome]
      }
    );
    if (merged?.outcome === 'conflicts') {
      this._showConflicts();
      Notification.warning(
        trans._n(
          'Merging “%2” caused conflicts in %1 file. Resolve them in Changes, then ' +
            'finish the merge.',
          'Merging “%2” caused conflicts in %1 files. Resolve them in Changes, then ' +
            'finish the merge.',
          merged.conflicts.length,
          ref
        ),
        { autoClose: 15_000 }
      );
    }
  }

  /** Continues, skips or aborts the operation that waits. */
  async advance(operation: string, action: OperationAction): Promise<void> {
    const label = operationLabel(operation);
    if (action === 'abort') {
      const sure = await confirm(
        trans.__('Abort: %1?', label),
        trans.__(
          'Your files return to their state before. What you changed since is kept ' +
            'in a safety copy.'
        ),
        trans.__('Abort %1', label)
      );
      if (!sure) {
        return;
      }
    }
    const step = await this._work.carryOut(
      `/git/operation/${action}`,
      {},
      {
        doing: trans.__('In progress: %1', label),
        done: ({ unfinished, safety }) => {
          if (unfinished !== null) {
            return null;
          }
          if (action !== 'abort') {
            return trans.__('Finished: %1', label);
          }
          return safety
            ? trans.__(
                'Aborted: %1. Your changes were kept as %2.',
                label,
                safety.slice(0, 8)
              )
            : trans.__('Aborted: %1', label);
        }
      }
    );
    if (step && step.conflicts.length > 0) {
      this._showConflicts();
      Notification.warning(
        trans._n(
          'The next commit has conflicts in %1 file.',
          'The next commit has conflicts in %1 files.',
          step.conflicts.length
        ),
        { autoClose: 15_000 }
      );
    }
  }

  /** Asks for a tag's name and message; `ref`: commit to tag. */
  async createTag(ref = 'HEAD', what?: string): Promise<void> {
    const fields = await askFields(
      what ? trans.__('Tag “%1”', what) : trans.__('Tag Current Snapshot'),
      trans.__('Create'),
      [
        { name: 'name', label: trans.__('Name'), placeholder: 'v1.0' },
        { name: 'message', label: trans.__('Message (optional)') }
      ]
    );
    if (fields) {
      const { name, message } = fields;
      await notifyOnError(() =>
        this._client.post('/git/tag', { name, ref, message: message || null })
      );
      await this._client.refresh(...REFS);
    }
  }

  async deleteTag(tag: ITag): Promise<void> {
    const sure = await confirm(
      trans.__('Delete tag “%1”?', tag.name),
      trans.__(
        'Commit %1 is kept. The tag stays on remotes that have it.',
        tag.commit.slice(0, 8)
      ),
      trans.__('Delete')
    );
    if (sure) {
      const id = encodeURIComponent(escapeId(tag.name));
      await notifyOnError(() => this._client.delete(`/git/tag/${id}`));
      await this._client.refresh(...REFS);
    }
  }

  /** Puts all changes aside, new files and data too. */
  async stash(): Promise<void> {
    const fields = await askFields(
      trans.__('Stash Changes'),
      trans.__('Stash'),
      [{ name: 'message', label: trans.__('Message (optional)') }],
      [
        trans.__(
          'Stashes all changes, including new files and data. Your files return to the ' +
            'current snapshot.'
        )
      ]
    );
    if (fields) {
      await this._work.carryOut(
        '/git/stashes',
        { message: fields.message || null },
        {
          doing: trans.__('Stashing changes…'),
          done: stash =>
            trans._n(
              'Stashed %1 file.',
              'Stashed %1 files.',
              stash.files.length
            )
        }
      );
      await this._client.refresh(...REFS);
    }
  }

  /** Applies a stash, and drops it unless `keep` is set. */
  async applyStash(stash: IStash, keep: boolean): Promise<void> {
    await this._work.carryOut(
      `/git/stashes/${stash.id}/apply`,
      { keep },
      {
        doing: trans.__('Applying stash “%1”…', stash.message),
        done: () => trans.__('Applied stash “%1”.', stash.message)
      }
    );
    await this._client.refresh(...REFS);
  }

  /** Restores the content of a safety copy, or the branch that it keeps. */
  async restoreSafetyCopy(id: string): Promise<void> {
    await this._work.carryOut(`/git/safety/${id}/restore`, undefined, {
      doing: trans.__('Restoring changes…'),
      done: () => trans.__('Changes restored.')
    });
    await this._client.refresh(...REFS);
  }

  async dropStash(stash: IStash): Promise<void> {
    const sure = await confirm(
      trans.__('Delete stash “%1”?', stash.message),
      trans._n(
        'A safety copy keeps its changes to %1 file.',
        'A safety copy keeps its changes to %1 files.',
        stash.files.length
      ),
      trans.__('Delete')
    );
    if (sure) {
      await notifyOnError(() =>
        this._client.delete(`/git/stashes/${stash.id}`)
      );
      await this._client.refresh(...REFS);
    }
  }

  /** Creates a commit with the content of an earlier commit. */
  async revertTo(id: string, subject: string): Promise<void> {
    await this._work.carryOut(
      '/git/rollback',
      { to: id, mode: 'revert' },
      {
        doing: trans.__('Reverting to “%1”…', subject),
        done: ({ commit }) =>
          trans.__(
            'Reverted to “%1” in commit %2.',
            subject,
            commit.slice(0, 8)
          )
      }
    );
  }

  private async _checkout(body: object, name: string): Promise<void> {
    await this._work.carryOut('/git/checkout', body, {
      doing: trans.__('Switching to “%1”…', name),
      done: () => trans.__('Switched to “%1”.', name)
    });
    await this._client.refresh(...REFS);
  }

  private _delete(name: string, force: boolean): Promise<unknown> {
    const id = encodeURIComponent(escapeId(name));
    return this._client.delete(`/git/branch/${id}`, force ? { force } : {});
  }
}
