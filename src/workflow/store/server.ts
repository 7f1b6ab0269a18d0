import { Signal } from '@lumino/signaling';

import type { IEventStream } from '../../api/client';
import type { IWorkflowEvent } from '../../api/models';
import type { WorkflowService } from './service';

/**
 * Sends a request to the server. Without a server nothing happens.
 *
 * An error goes to `onError`; unless that returns true, it is reported to people.
 */
export type Ask = <T>(
  request: (service: WorkflowService) => Promise<T>,
  onReply?: (reply: T) => void,
  onError?: (error: unknown) => boolean
) => Promise<void>;

/** Returns `work` as a function whose calls while it goes on lead to one more. */
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

/** The server's side of one workflow: its service, once it is known, and its events. */
export class ServerLink {
  get service(): WorkflowService | null {
    return this._service;
  }

  /** False while events are missed. */
  get isConnected(): boolean {
    return this._isConnected;
  }

  readonly connectionChanged = new Signal<this, boolean>(this);

  /** Events of this workflow; "reset" where some were missed. */
  readonly message = new Signal<this, IWorkflowEvent>(this);

  /** Emitted with the error of a request that nobody handled. */
  readonly failed = new Signal<this, unknown>(this);

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._events?.dispose();
    Signal.clearData(this);
  }

  /** Owns `events` from now on; null where nothing can happen. */
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
