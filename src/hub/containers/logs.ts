import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { APIError, type IEventStream, type MLWSClient } from '../../api/client';
import type { ILogEvent, ILogLine } from '../../api/models';

/** Of a longer log the end is kept. */
const LONGEST = 2000;
/** Lines that come within this are drawn together, in milliseconds. */
const TOGETHER = 50;

/** The log of a container: its end, then whatever it says while the log is open. */
export class LogsModel implements IDisposable {
  constructor(
    private _client: MLWSClient,
    readonly id: string
  ) {
    void this._begin(encodeURIComponent(id));
  }

  get lines(): readonly ILogLine[] {
    return this._lines;
  }

  /** Whether the first lines are still on their way. */
  get loading(): boolean {
    return this._events === null;
  }

  get connected(): boolean {
    return this._events?.connected ?? false;
  }

  /** Why what was said before cannot be shown. */
  get error(): APIError | null {
    return this._error;
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
      this._events?.dispose();
      Signal.clearData(this);
    }
  }

  /** Reads the end, since the stream would tell a long log from its beginning. */
  private async _begin(id: string): Promise<void> {
    try {
      const path = `/containers/${id}/logs`;
      const end = await this._client.get<{ lines: ILogLine[] }>(path, {
        tail: LONGEST
      });
      this._lines = end.lines;
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._error = error;
    }
    if (this._isDisposed) {
      return;
    }
    const since = this._lines[this._lines.length - 1]?.seq ?? 0;
    this._events = this._client.stream<ILogEvent>(`/logs/${id}`, { since });
    this._events.message.connect(this._onEvent, this);
    this._events.connectionChanged.connect(this._tell, this);
    this._tell();
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
  private _events: IEventStream<ILogEvent> | null = null;
  private _error: APIError | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}
