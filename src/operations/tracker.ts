import { Signal } from '@lumino/signaling';
import { useSyncExternalStore } from 'react';

import { type MLWSClient, APIError, apiError } from '../api/client';
import type { IOperation } from '../api/models';

const FINAL_STATES = ['COMPLETED', 'FAILED', 'CANCELLED'];

/** Follows an operation until it has completed, failed or been canceled. */
export function followOperation<T>(
  client: MLWSClient,
  started: IOperation<T>,
  onProgress: (operation: IOperation) => void = () => undefined
): Promise<IOperation<T>> {
  const stream = client.stream('/operations/status');
  let isOver = false;
  return new Promise<IOperation<T>>((resolve, reject) => {
    const read = async () => {
      const path = `/operations/${started.id}` as const;
      const operation = (await client.get(path)) as IOperation<T>;
      // A response that arrives after the final state is outdated.
      if (isOver) {
        return;
      }
      isOver = FINAL_STATES.includes(operation.state);
      onProgress(operation);
      if (isOver) {
        resolve(operation);
      }
    };
    stream.message.connect((_, event) => {
      if (isOver || (event.type === 'operation' && event.id !== started.id)) {
        return;
      }
      if (event.type === 'operation' && !FINAL_STATES.includes(event.state)) {
        onProgress(event);
      } else {
        // Events have a fixed language, and may have been missed: read the operation itself.
        read().catch(reject);
      }
    });
    read().catch(reject);
  }).finally(() => stream.dispose());
}

/** Operation in a slot; a completed operation is removed. */
interface ITracked {
  /** Describes the operation in the user's language. */
  label: string;
  state: 'running' | 'cancelled' | 'failed';
  /** Null before the first response. */
  operation: IOperation | null;
  error: APIError | null;
}

/** Starts, follows and cancels operations, at most one in each slot. */
export class OperationTracker {
  constructor(private _client: MLWSClient) {}

  /** Emitted after every step of any operation, with its slot. */
  readonly changed = new Signal<this, string>(this);

  get(key: string): ITracked | undefined {
    return this._tracked.get(key);
  }

  /**
   * Runs an operation, unless the slot has a running operation, and returns its result.
   *
   * Returns null if it was canceled or has failed; the slot shows that until it is dismissed.
   */
  async run<T>(
    key: string,
    label: string,
    start: () => Promise<IOperation<T>>
  ): Promise<T | null> {
    if (this.get(key)?.state === 'running') {
      return null;
    }
    const running = { label, state: 'running' as const, error: null };
    this._set(key, { ...running, operation: null });
    try {
      const started = await start();
      const end = await followOperation(this._client, started, operation =>
        this._set(key, { ...running, operation })
      );
      if (end.state === 'COMPLETED') {
        this._set(key, undefined);
        return end.result;
      }
      this._set(key, {
        label,
        operation: end,
        ...(end.state === 'CANCELLED'
          ? { state: 'cancelled', error: null }
          : { state: 'failed', error: new APIError(0, end.error ?? {}) })
      });
    } catch (error) {
      this._set(key, {
        label,
        state: 'failed',
        operation: null,
        error: apiError(error)
      });
    }
    return null;
  }

  /** Requests the cancellation of an operation, which may complete nevertheless. */
  async cancel(key: string): Promise<void> {
    const tracked = this.get(key);
    if (!tracked?.operation) {
      return;
    }
    try {
      await this._client.post(`/operations/${tracked.operation.id}/cancel`);
    } catch (error) {
      const failure = apiError(error);
      // It may have ended while the request was in progress.
      const now = this.get(key);
      if (now?.state === 'running') {
        this._set(key, { ...now, error: failure });
      }
    }
  }

  /** Removes an operation that has ended from its place. */
  dismiss(key: string): void {
    if (this.get(key)?.state !== 'running') {
      this._set(key, undefined);
    }
  }

  private _set(key: string, tracked: ITracked | undefined): void {
    if (tracked) {
      this._tracked.set(key, tracked);
    } else {
      this._tracked.delete(key);
    }
    this.changed.emit(key);
  }

  private _tracked = new Map<string, ITracked>();
}

/** Returns the operation in a place; every step of it renders the component. */
export function useOperation(
  tracker: OperationTracker,
  key: string
): ITracked | undefined {
  return useSyncExternalStore(
    draw => {
      tracker.changed.connect(draw);
      return () => void tracker.changed.disconnect(draw);
    },
    () => tracker.get(key)
  );
}
