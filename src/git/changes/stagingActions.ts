import { Notification } from '@jupyterlab/apputils';

import { confirm } from '../../lab/confirm';
import type { MLWSClient } from '../../api/client';
import type { IIdentity } from '../../api/models';
import { notifyOnError } from '../../lab/notify';
import type { Work } from '../../lab/work';
import { trans } from '../../ui/locale';

/** Hunks of a file, or some of their changed lines. */
interface IHunkChoice {
  path: string;
  ids: readonly string[];
  lines?: readonly string[];
}

/** Files, hunks of a file, or everything. */
export type Selection =
  | { paths: readonly string[] }
  | { hunks: readonly IHunkChoice[] }
  | { all: true };

/** Operations on the index and the working tree. */
export class StagingActions {
  constructor(
    private _client: MLWSClient,
    private _work: Work
  ) {}

  /** Puts changes into the next commit. */
  async stage(selection: Selection): Promise<void> {
    await this._work.change(() => this._client.post('/git/stage', selection));
  }

  /** Takes changes out of the next commit again; the files stay as they are. */
  async unstage(selection: Selection): Promise<void> {
    await notifyOnError(() => this._client.post('/git/unstage', selection));
  }

  /** Sets git's identity; resolves to whether that succeeded. */
  async setIdentity(identity: IIdentity): Promise<boolean> {
    const answer = await notifyOnError(() =>
      this._client.put('/git/identity', identity)
    );
    return answer !== null;
  }

  /** Adds new files to `.gitignore`. */
  async ignore(paths: readonly string[]): Promise<void> {
    await this._work.change(() => this._client.post('/git/ignore', { paths }));
  }

  /** Lets DVC keep files and folders, which git then leaves alone. */
  async track(paths: readonly string[]): Promise<void> {
    await this._work.change(async () => {
      for (const path of paths) {
        await this._client.post('/datasets', { path });
      }
    });
  }

  /** Discards unstaged changes, after confirmation. */
  async discard(selection: Selection): Promise<void> {
    const sure = await confirm(
      this._title(selection),
      trans.__(
        'Unstaged changes are discarded and new files are deleted. A safety copy is ' +
          'kept, so you can undo this.'
      ),
      trans.__('Discard')
    );
    if (!sure) {
      return;
    }
    const discarded = await this._work.change(() =>
      this._client.post('/git/discard', selection)
    );
    if (discarded) {
      const { paths, safety } = discarded;
      const undo = {
        label: trans.__('Undo'),
        callback: () =>
          void this._work.carryOut(`/git/safety/${safety}/restore`, undefined, {
            doing: trans.__('Restoring changes…'),
            done: () => trans.__('Changes restored.')
          })
      };
      Notification.success(
        trans._n(
          'Discarded changes to %1 file.',
          'Discarded changes to %1 files.',
          paths.length
        ),
        { autoClose: 20_000, actions: safety === null ? [] : [undo] }
      );
    }
  }

  private _title(selection: Selection): string {
    if ('paths' in selection) {
      return selection.paths.length === 1
        ? trans.__('Discard changes to “%1”?', selection.paths[0])
        : trans._n(
            'Discard changes to %1 file?',
            'Discard changes to %1 files?',
            selection.paths.length
          );
    }
    if ('hunks' in selection) {
      const [{ path, lines }] = selection.hunks;
      return lines
        ? trans._n(
            'Discard %1 line in “%2”?',
            'Discard %1 lines in “%2”?',
            lines.length,
            path
          )
        : trans.__('Discard this hunk in “%1”?', path);
    }
    return trans.__('Discard all unstaged changes?');
  }
}
