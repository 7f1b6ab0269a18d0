import type { TranslationBundle } from '@jupyterlab/translation';

import { listText } from '../ui/format';
import { APIError, errorText, MLWSClient } from '../api/client';
import type { IFailure, IOperation } from '../api/models';
import type { OpenDocuments } from '../lab/documents';
import { ProgressNotice } from '../lab/notice';
import { followOperation } from '../operations/follow';
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
    begun: IOperation<T>,
    words: IWorkWords<T>
  ): Promise<T | null> {
    const trans = this._trans;
    const cancel = () =>
      void told(() => this.client.post(`/operations/${begun.id}/cancel`));
    const notice = new ProgressNotice(words.doing, [
      { label: trans.__('Cancel'), callback: cancel }
    ]);
    const ended = await followOperation(this.client, begun, ({ done, total }) =>
      notice.progress(total ? Math.min(done / total, 1) : undefined)
    );
    // Not awaited: what is told may wait for the toasts, the work is done.
    if (ended.state === 'COMPLETED') {
      void notice.end(words.done(ended.result as T), 'success');
      return ended.result;
    }
    if (ended.state === 'CANCELLED') {
      void notice.end(trans.__('Canceled: %1', words.doing), 'info');
    } else {
      void notice.end(failureText(ended.error), 'error');
    }
    return null;
  }
}

function failureText(failure: IFailure | null): string {
  return errorText(new APIError(0, failure ?? {}));
}
