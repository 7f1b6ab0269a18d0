import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { agreed } from '../lab/confirm';
import type { MLWSClient } from '../api/client';
import type { IChange, IDiscarded } from '../api/models';
import { told } from '../lab/notify';
import type { Work } from './work';

/** Files as a whole, single hunks of one file, or everything. */
export type Chosen =
  | { paths: readonly string[] }
  | { hunks: readonly { path: string; ids: readonly string[] }[] }
  | { all: true };

/** Whether git's index can hold it: what DVC tracks is in it by its `.dvc` file alone. */
export function isStageable({ kind, path }: IChange): boolean {
  return kind !== 'data' || /(\.dvc|(^|\/)dvc\.lock)$/.test(path);
}

/** What people do with the index, and how they undo what is not in it. */
export class StagingActions {
  constructor(
    private _client: MLWSClient,
    private _work: Work,
    private _trans: TranslationBundle
  ) {}

  /** Puts changes into the next commit. */
  async stage(chosen: Chosen): Promise<void> {
    await this._work.change(() => this._client.post('/git/stage', chosen));
  }

  /** Takes changes out of the next commit again; the files stay as they are. */
  async unstage(chosen: Chosen): Promise<void> {
    await told(() => this._client.post('/git/unstage', chosen));
  }

  /** Lets DVC keep a folder, which git then leaves alone. */
  async track(path: string): Promise<void> {
    await this._work.change(() => this._client.post('/datasets', { path }));
  }

  /** Undoes what is not staged, after a word of what that loses. */
  async discard(chosen: Chosen): Promise<void> {
    const trans = this._trans;
    const sure = await agreed(
      this._title(chosen),
      trans.__(
        'Unstaged changes are discarded and new files are deleted. A safety copy is ' +
          'kept, so you can undo this.'
      ),
      trans.__('Discard'),
      trans
    );
    if (!sure) {
      return;
    }
    const discarded = await this._work.change(() =>
      this._client.post<IDiscarded>('/git/discard', chosen)
    );
    if (discarded) {
      this._tellDiscarded(discarded);
    }
  }

  private _title(chosen: Chosen): string {
    const trans = this._trans;
    if ('paths' in chosen) {
      return chosen.paths.length === 1
        ? trans.__('Discard changes to “%1”?', chosen.paths[0])
        : trans._n(
            'Discard changes to %1 file?',
            'Discard changes to %1 files?',
            chosen.paths.length
          );
    }
    return 'hunks' in chosen
      ? trans.__('Discard this hunk in “%1”?', chosen.hunks[0].path)
      : trans.__('Discard all unstaged changes?');
  }

  private _tellDiscarded({ paths, safety }: IDiscarded): void {
    const trans = this._trans;
    const message = trans._n(
      'Discarded changes to %1 file.',
      'Discarded changes to %1 files.',
      paths.length
    );
    const undo = {
      label: trans.__('Undo'),
      callback: () => void this._bringBack(safety!)
    };
    Notification.success(message, {
      autoClose: 20_000,
      actions: safety === null ? [] : [undo]
    });
  }

  private async _bringBack(safety: string): Promise<void> {
    const trans = this._trans;
    await this._work.carryOut(`/git/safety/${safety}/restore`, undefined, {
      doing: trans.__('Restoring changes…'),
      done: () => trans.__('Changes restored.')
    });
  }
}
