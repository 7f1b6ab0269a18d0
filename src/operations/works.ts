import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { APIError, MLWSClient } from '../api/client';
import type { IOperation } from '../api/models';
import { followOperation } from './follow';

/** Long work of a person: going on, stopped or failed; what is done is no longer here. */
export interface IWork {
  /** What it is, in the reader's words. */
  label: string;
  state: 'running' | 'cancelled' | 'failed';
  /** As last told; null before the server has answered. */
  operation: IOperation | null;
  error: APIError | null;
}

/** Long work by what it is about: begun, followed and stopped. */
export class Works implements IDisposable {
  constructor(private _client: MLWSClient) {}

  /** Emitted after every step of any work. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  get(key: string): IWork | undefined {
    return this._works.get(key);
  }

  isRunning(key: string): boolean {
    return this._works.get(key)?.state === 'running';
  }

  /**
   * Begins work and follows it to its end; resolves to its result, or to null where it was stopped
   * or has failed, which is then told under its key until the next work there.
   */
  async begin<T>(
    key: string,
    label: string,
    start: () => Promise<IOperation<T>>
  ): Promise<T | null> {
    if (this.isRunning(key)) {
      return null;
    }
    this._set(key, { label, state: 'running', operation: null, error: null });
    try {
      const begun = await start();
      const ended = await followOperation(this._client, begun, operation => {
        this._set(key, { label, state: 'running', operation, error: null });
      });
      if (ended.state === 'COMPLETED') {
        this._works.delete(key);
        this._tell();
        return ended.result;
      }
      const cancelled = ended.state === 'CANCELLED';
      this._set(key, {
        label,
        state: cancelled ? 'cancelled' : 'failed',
        operation: ended,
        error: cancelled ? null : new APIError(0, ended.error ?? {})
      });
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._set(key, { label, state: 'failed', operation: null, error });
    }
    return null;
  }

  /** Asks work to stop; its end says whether it did. */
  async cancel(key: string): Promise<void> {
    const work = this._works.get(key);
    if (!work?.operation) {
      return;
    }
    try {
      await this._client.post(`/operations/${work.operation.id}/cancel`);
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      // It goes on, as far as anybody knows.
      this._set(key, { ...work, error });
    }
  }

  /** Takes note of how work has ended. */
  dismiss(key: string): void {
    if (!this.isRunning(key) && this._works.delete(key)) {
      this._tell();
    }
  }

  private _set(key: string, work: IWork): void {
    this._works.set(key, work);
    this._tell();
  }

  private _tell(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private _works = new Map<string, IWork>();
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}
