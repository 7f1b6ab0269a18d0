import type { TranslationBundle } from '@jupyterlab/translation';

import { listText } from '../ui/format';
import { APIError, errorText, MLWSClient } from '../api/client';
import type { IOperation } from '../api/models';
import type { OpenDocuments } from '../lab/documents';
import { ProgressNotice } from '../lab/notice';
import { followOperation } from '../operations/tracker';
import { told } from '../lab/notify';

/** What is said of long work; `done` may say nothing (null) where the view tells by itself. */
export interface IWorkWords<T> {
  doing: string;
  done: (result: T) => string | null;
}

/** Long work on the project's files: documents are saved before it, and loaded anew after it. */
export class Work {
  constructor(
    readonly client: MLWSClient,
    private _documents: OpenDocuments,
    private _trans: TranslationBundle
  ) {}

  /**
   * Begins the operation that `path` is, shows its progress, and tells how it ended.
   *
   * Resolves to its result; to null where it failed or was cancelled, which was told then.
   */
  carryOut<T>(
    path: string,
    body: unknown,
    words: IWorkWords<T>
  ): Promise<T | null> {
    return told(async () => {
      await this.save();
      const begun = await this.client.post<IOperation<T>>(path, body);
      const ended = await this._follow(begun, words);
      await this._documents.reloadChanged();
      return ended;
    });
  }

  /** As `carryOut`, for what leaves the files alone. */
  transfer<T>(
    path: string,
    body: unknown,
    words: IWorkWords<T>
  ): Promise<T | null> {
    return told(async () =>
      this._follow(await this.client.post<IOperation<T>>(path, body), words)
    );
  }

  /** Changes files by a request that answers at once. */
  async change<T>(request: () => Promise<T>): Promise<T | null> {
    return told(async () => {
      await this.save();
      const result = await request();
      await this._documents.reloadChanged();
      return result;
    });
  }

  /** Saves what is edited: files are looked at on disk. */
  async save(): Promise<void> {
    const unsaved = await this._documents.saveAll();
    if (unsaved.length > 0) {
      throw new APIError(0, {
        message: this._trans.__(
          'Could not save %1, so nothing was changed.',
          listText(unsaved, this._trans)
        ),
        solution: this._trans.__(
          'Save or close these documents, then try again.'
        )
      });
    }
  }

  private async _follow<T>(
    started: IOperation<T>,
    words: IWorkWords<T>
  ): Promise<T | null> {
    const [ended, notice] = await followWithNotice(
      this.client,
      started,
      words.doing
    );
    // Not awaited: what is shown may wait for the toasts, the work is done.
    if (ended.state === 'COMPLETED') {
      void notice.end(words.done(ended.result as T), 'success');
      return ended.result;
    }
    if (ended.state === 'CANCELLED') {
      void notice.end(this._trans.__('Canceled: %1', words.doing), 'info');
    } else {
      void notice.end(errorText(new APIError(0, ended.error ?? {})), 'error');
    }
    return null;
  }
}

/** Follows an operation in a notification, which has a button to cancel it. */
export async function followWithNotice<T>(
  client: MLWSClient,
  started: IOperation<T>,
  label: string
): Promise<[IOperation<T>, ProgressNotice]> {
  const cancel = () =>
    void told(() => client.post(`/operations/${started.id}/cancel`));
  const notice = new ProgressNotice(label, [
    { label: client.trans.__('Cancel'), callback: cancel }
  ]);
  const ended = await followOperation(client, started, ({ done, total }) =>
    notice.progress(total ? Math.min(done / total, 1) : undefined)
  );
  return [ended, notice];
}
