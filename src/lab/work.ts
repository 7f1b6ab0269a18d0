import type { Notification } from '@jupyterlab/apputils';

import { listText } from '../ui/format';
import { APIError, errorText, MLWSClient } from '../api/client';
import type { Body, IOperation, PathOf, Result } from '../api/models';
import type { OpenDocuments } from './documents';
import { ProgressNotice } from './notice';
import { followOperation } from '../operations/tracker';
import { trans } from '../ui/locale';
import { helpActions, notifyOnError } from './notify';

/**
 * Texts of an operation; `done` may be null if a view shows the result.
 *
 * `actions`: buttons of the notification at its end.
 */
interface IWorkTexts<T> {
  doing: string;
  done: (result: T) => string | null;
  actions?: (result: T) => Notification.IAction[];
  /** The ways to resolve an error. */
  errorActions?: (error: APIError) => readonly Notification.IAction[];
}

/** Long operations on the project's files: documents are saved before, and reloaded after. */
export class Work {
  constructor(
    readonly client: MLWSClient,
    private _documents: OpenDocuments
  ) {}

  /**
   * Starts the operation of a path, and shows its progress and result.
   *
   * Resolves to its result; to null if it failed or was canceled.
   */
  carryOut<P extends PathOf<'post'>>(
    path: P,
    body: Body<'post', P> | undefined,
    texts: IWorkTexts<Result<P>>
  ): Promise<Result<P> | null> {
    return this.carryOutStarted<Result<P>>(
      () => this.client.post(path, body),
      texts
    );
  }

  /** Variant of `carryOut` with a request of its own; null if it was not made. */
  carryOutStarted<T>(
    start: () => Promise<IOperation<T> | null>,
    texts: IWorkTexts<T>
  ): Promise<T | null> {
    return notifyOnError(async () => {
      await this.save();
      const started = await start();
      if (started === null) {
        return null;
      }
      const end = await this._follow(started, texts);
      await this._documents.reloadChanged();
      return end;
    });
  }

  /** Variant of `carryOut` for operations that do not change files. */
  transfer<P extends PathOf<'post'>>(
    path: P,
    body: Body<'post', P> | undefined,
    texts: IWorkTexts<Result<P>>
  ): Promise<Result<P> | null> {
    return notifyOnError(async () =>
      this._follow(await this.client.post(path, body), texts)
    );
  }

  /** Changes files by a request that answers at once. */
  async change<T>(request: () => Promise<T>): Promise<T | null> {
    return notifyOnError(async () => {
      await this.save();
      const result = await request();
      await this._documents.reloadChanged();
      return result;
    });
  }

  /** Saves modified documents: the server reads files from disk. */
  async save(): Promise<void> {
    const unsaved = await this._documents.saveAll();
    if (unsaved.length > 0) {
      throw new APIError(0, {
        message: trans.__(
          'Could not save %1, so nothing was changed.',
          listText(unsaved)
        ),
        solution: trans.__('Save or close these documents, then try again.')
      });
    }
  }

  private async _follow<T>(
    started: IOperation<T>,
    texts: IWorkTexts<T>
  ): Promise<T | null> {
    const [end, notice] = await followWithNotice(
      this.client,
      started,
      texts.doing
    );
    // Not awaited: toasts may delay the notification, but the operation is complete.
    if (end.state === 'COMPLETED') {
      const result = end.result as T;
      void notice.end(texts.done(result), 'success', texts.actions?.(result));
      return end.result;
    }
    if (end.state === 'CANCELLED') {
      void notice.end(trans.__('Canceled: %1', texts.doing), 'info');
    } else {
      const error = new APIError(0, end.error ?? {});
      void notice.end(errorText(error), 'error', [
        ...(texts.errorActions?.(error) ?? []),
        ...helpActions(error)
      ]);
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
    void notifyOnError(() => client.post(`/operations/${started.id}/cancel`));
  const notice = new ProgressNotice(label, [
    { label: trans.__('Cancel'), callback: cancel }
  ]);
  const end = await followOperation(client, started, ({ done, total }) =>
    notice.progress(total ? Math.min(done / total, 1) : undefined)
  );
  return [end, notice];
}
