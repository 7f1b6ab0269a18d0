import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { IEventStream, MLWSClient } from '../api';
import type { ILogEvent, ILogLine } from '../models';

/** Of a longer log the end is kept. */
const LONGEST = 2000;
/** Lines that come within this are drawn together, in milliseconds. */
const TOGETHER = 50;

/** The log of a container, followed while it is open. */
export class LogsModel implements IDisposable {
  constructor(
    client: MLWSClient,
    readonly id: string
  ) {
    this._events = client.stream<ILogEvent>(`/logs/${encodeURIComponent(id)}`, {
      since: 0
    });
    this._events.message.connect(this._onEvent, this);
    this._events.connectionChanged.connect(this._tell, this);
  }

  get lines(): readonly ILogLine[] {
    return this._lines;
  }

  get connected(): boolean {
    return this._events.connected;
  }

  /** Emitted after new lines, at most twenty times a second. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      clearTimeout(this._timer);
      this._events.dispose();
      Signal.clearData(this);
    }
  }

  private _onEvent(_: IEventStream, event: ILogEvent): void {
    if (event.type === 'reset') {
      // The container was started anew: its lines are counted from the first again.
      this._lines = [];
    } else if (event.type === 'log') {
      this._lines.push(event);
      if (this._lines.length > LONGEST) {
        this._lines.shift();
      }
    }
    this._tell();
  }

  private _tell(): void {
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      this._changed.emit();
    }, TOGETHER);
  }

  private _lines: ILogLine[] = [];
  private _events: IEventStream<ILogEvent>;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}
