import { Signal } from '@lumino/signaling';

import type { IEventStream } from '../../api/client';
import type { IWorkflowEvent } from '../../api/models';
import type { WorkflowService } from './service';

/**
 * Sends a request to the server. Without a server nothing happens.
 *
 * An error is passed to `onError`; unless that returns true, it is reported to the user.
 */
export type Ask = <T>(
  request: (service: WorkflowService) => Promise<T>,
  onReply?: (reply: T) => void,
  onError?: (error: unknown) => boolean
) => Promise<void>;

/** Wraps `work` so that calls during its execution share a single further execution. */
export function coalesce(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | null = null;
  let isStale = false;
  return () => {
    isStale = true;
    const run = async (): Promise<void> => {
      while (isStale) {
        isStale = false;
        await work();
      }
    };
    current ??= run().finally(() => (current = null));
    return current;
  };
}

/** Server connection of a workflow: its service, once known, and its events. */
export class ServerLink {
  get service(): WorkflowService | null {
    return this._service;
  }

  /** False while events are missed. */
  get isConnected(): boolean {
    return this._isConnected;
  }

  readonly connectionChanged = new Signal<this, boolean>(this);

  /** Events of this workflow; "reset" if some were missed. */
  readonly message = new Signal<this, IWorkflowEvent>(this);

  /** Emitted with the error of an unhandled request. */
  readonly failed = new Signal<this, unknown>(this);

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._events?.dispose();
    Signal.clearData(this);
  }

  /** Takes ownership of `events`; null without events. */
  attach(
    service: WorkflowService,
    events: IEventStream<IWorkflowEvent> | null
  ): void {
    this._service = service;
    this._events = events;
    events?.message.connect(this._onMessage, this);
    events?.connectionChanged.connect(this._onConnection, this);
  }

  readonly ask: Ask = async (
    request,
    onReply = () => undefined,
    onError = () => false
  ) => {
    if (!this._service || this._isDisposed) {
      return;
    }
    try {
      const reply = await request(this._service);
      if (!this._isDisposed) {
        onReply(reply);
      }
    } catch (error) {
      if (!this._isDisposed && !onError(error)) {
        this.failed.emit(error);
      }
    }
  };

  private _onMessage(_: unknown, event: IWorkflowEvent): void {
    const isOwn =
      event.type === 'reset' ||
      (event.type !== 'hello' && event.path === this._service?.path);
    if (isOwn) {
      this.message.emit(event);
    }
  }

  private _onConnection(_: unknown, isConnected: boolean): void {
    this._isConnected = isConnected;
    this.connectionChanged.emit(isConnected);
  }

  private _service: WorkflowService | null = null;
  private _events: IEventStream<IWorkflowEvent> | null = null;
  private _isConnected = true;
  private _isDisposed = false;
}
