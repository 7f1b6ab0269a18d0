import { InputDialog, Notification } from '@jupyterlab/apputils';

import type { MLWSClient } from '../../api/client';
import type { IOperation, Result } from '../../api/models';
import { confirm } from '../../lab/confirm';
import { notifyOnError } from '../../lab/notify';
import type { Work } from '../../lab/work';
import { trans } from '../../ui/locale';
import type { CommitDraft } from '../changes/commit';
import { confirmPushed } from '../confirmPushed';
import { operationLabel } from '../operationLabels';

type IRewritten = Result<'/git/rebase'>;

/** Changes of the history: commits that are applied again, replaced or undone. */
export class RewriteActions {
  /** `showConflicts`: opens the conflicts. */
  constructor(
    private _client: MLWSClient,
    private _work: Work,
    private _showConflicts: () => void
  ) {}

  /** Applies the changes of a commit to the current branch. */
  async cherryPick(id: string, subject: string): Promise<void> {
    await this._rewrite(
      () => this._client.post('/git/cherry-pick', { commit: id }),
      'cherry-pick',
      [
        trans.__('Cherry-picking “%1”…', subject),
        trans.__('Cherry-picked “%1”.', subject)
      ]
    );
  }

  /** Creates a commit that takes back the changes of another one. */
  async revertCommit(id: string, subject: string): Promise<void> {
    await this._rewrite(
      () => this._client.post('/git/revert', { commit: id }),
      'revert',
      [
        trans.__('Reverting “%1”…', subject),
        trans.__('Reverted “%1”.', subject)
      ]
    );
  }

  /** Undoes the last commit; its message becomes that of the next one, unless there is one. */
  async undo(draft: CommitDraft): Promise<void> {
    const answer = await confirmPushed(pushed =>
      this._client.post('/git/undo', { pushed })
    );
    if (answer !== null && draft.message.value.trim() === '') {
      draft.message.value = answer.message;
    }
    await this._client.refresh('/git', '/snapshots');
  }

  /** Replaces a commit and all after it by one, with a message that the user gives. */
  async squash(id: string, subject: string): Promise<void> {
    const answer = await InputDialog.getText({
      title: trans.__('Squash “%1” and All After It', subject),
      label: trans.__(
        'Message of the one commit. Files and data stay as they are.'
      ),
      text: subject,
      okLabel: trans.__('Squash'),
      cancelLabel: trans.__('Cancel')
    });
    const message = answer.value?.trim();
    if (answer.button.accept && message) {
      await this._rewrite(
        pushed =>
          this._client.post('/git/squash', { commit: id, message, pushed }),
        'squash',
        [trans.__('Squashing…'), trans.__('Squashed into “%1”.', message)]
      );
    }
  }

  /** Applies the commits of the current branch on top of another one. */
  async rebase(onto: string): Promise<void> {
    const isMeant = await confirm(
      trans.__('Rebase onto “%1”?', onto),
      trans.__(
        'The commits of your branch that “%1” lacks are applied again on top of it, ' +
          'including data. A safety copy keeps the branch as it is.',
        onto
      ),
      trans.__('Rebase')
    );
    if (isMeant) {
      await this._rewrite(
        pushed => this._client.post('/git/rebase', { onto, pushed }),
        'rebase',
        [
          trans.__('Rebasing onto “%1”…', onto),
          trans.__('Rebased onto “%1”.', onto)
        ]
      );
    }
  }

  /** Adds the changes to the last commit; a message in the commit box replaces its message. */
  async amend(draft: CommitDraft): Promise<void> {
    await notifyOnError(async () => {
      const [{ items }, { changes }] = await Promise.all([
        this._client.get('/snapshots', { limit: 1 }),
        this._client.cached('/git/status')
      ]);
      const message = draft.message.value.trim();
      const staged = changes.some(change => change.staged);
      const isMeant = await confirm(
        trans.__('Amend the commit “%1”?', items[0]?.subject ?? ''),
        [
          staged
            ? trans.__('The staged changes become part of it.')
            : trans.__('All changes, including data, become part of it.'),
          message
            ? trans.__('Its message becomes: “%1”', message)
            : trans.__('Its message stays.')
        ].join(' '),
        trans.__('Amend')
      );
      if (!isMeant) {
        return;
      }
      await this._work.save();
      const amended = await confirmPushed(pushed =>
        this._client.post('/snapshots', {
          amend: true,
          staged,
          pushed,
          ...(message && { message })
        })
      );
      if (amended) {
        draft.message.value = '';
        Notification.success(trans.__('Amended “%1”.', amended.subject), {
          autoClose: 10_000
        });
        await this._client.refresh('/git', '/snapshots');
      }
    });
  }

  private async _rewrite(
    start: (pushed: boolean) => Promise<IOperation<IRewritten>>,
    operation: string,
    [doing, done]: readonly [string, string]
  ): Promise<void> {
    const result = await this._work.carryOutStarted(
      () => confirmPushed(start),
      {
        doing,
        done: ({ outcome }) =>
          ({
            done,
            up_to_date: trans.__('Already up to date.'),
            conflicts: null
          })[outcome]
      }
    );
    if (result?.outcome === 'conflicts') {
      this._showConflicts();
      Notification.warning(
        trans._n(
          '%2 caused conflicts in %1 file. Resolve them in Changes, then continue.',
          '%2 caused conflicts in %1 files. Resolve them in Changes, then continue.',
          result.conflicts.length,
          operationLabel(operation)
        ),
        { autoClose: 15_000 }
      );
    }
    await this._client.refresh('/git', '/snapshots');
  }
}
