import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

/** Events of the server, in order and each once, also after a lost connection. */
export interface IEventStream<T = unknown> extends IDisposable {
  /**
   * Emitted for each message, also for "hello" (the first after each connect) and "reset" (the
   * server cannot send the events that were missed: everything has to be read again).
   */
  readonly message: ISignal<IEventStream<T>, T>;
  readonly connected: boolean;
  /** False each time that a connection is lost, and that an attempt to connect fails. */
  readonly connectionChanged: ISignal<IEventStream<T>, boolean>;
}

/** First and longest pause between two attempts to connect, in milliseconds. */
const MIN_RECONNECT_DELAY = 500;
const MAX_RECONNECT_DELAY = 10_000;

/** The fields of all messages that the socket itself uses. */
interface IMessage {
  type: string;
  seq?: number;
}

/** WebSocket that reconnects and requests missed events. */
export class ReconnectingSocket implements IDisposable {
  /** `open`: opens a socket for the events after `since`; null while the project is not known. */
  constructor(
    private _open: (since: number | null) => WebSocket | null,
    private _released: () => void
  ) {
    this._connect();
  }

  readonly message: Signal<this, IMessage> = new Signal<this, IMessage>(this);
  readonly connectionChanged: Signal<this, boolean> = new Signal<this, boolean>(
    this
  );
  users = 0;

  get connected(): boolean {
    return this._connected;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._hangUp();
    this._released();
    Signal.clearData(this);
  }

  /** Connects to a new stream, which has new sequence numbers. */
  startOver(): void {
    this._hangUp();
    this._last = null;
    this._pause = MIN_RECONNECT_DELAY;
    this._connect();
  }

  private _connect(): void {
    const socket = this._open(this._last);
    if (socket) {
      socket.onmessage = event => this._receive(String(event.data));
      socket.onclose = () => this._lost();
    }
    this._socket = socket;
  }

  private _receive(text: string): void {
    const message: IMessage = JSON.parse(text);
    const { seq = null } = message;
    if (message.type === 'hello') {
      this._last ??= seq;
      this._pause = MIN_RECONNECT_DELAY;
      this._setConnected(true);
    } else if (message.type === 'reset') {
      // The server started to count again, or no longer has the events in between.
      this._last = seq;
    } else if (seq !== null) {
      if (this._last !== null && seq <= this._last) {
        return;
      }
      this._last = seq;
    }
    this.message.emit(message);
  }

  private _lost(): void {
    const wasConnected = this._connected;
    this._hangUp();
    if (!wasConnected) {
      this.connectionChanged.emit(false);
    }
    // Random between half and all of the pause, so that the labs of a Hub do not reconnect at once.
    const pause = this._pause * (1 - Math.random() / 2);
    this._retry = setTimeout(() => this._connect(), pause);
    this._pause = Math.min(this._pause * 2, MAX_RECONNECT_DELAY);
  }

  private _hangUp(): void {
    clearTimeout(this._retry);
    const socket = this._socket;
    this._socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this._setConnected(false);
  }

  private _setConnected(connected: boolean): void {
    if (this._connected !== connected) {
      this._connected = connected;
      this.connectionChanged.emit(connected);
    }
  }

  private _connected = false;
  private _isDisposed = false;
  private _last: number | null = null;
  private _pause = MIN_RECONNECT_DELAY;
  private _retry: ReturnType<typeof setTimeout> | undefined;
  private _socket: WebSocket | null = null;
}

/** Handle of a shared socket. */
export class SharedStream<T> implements IEventStream<T> {
  constructor(private _socket: ReconnectingSocket) {
    _socket.users += 1;
    _socket.message.connect(this._onMessage, this);
    _socket.connectionChanged.connect(this._onConnection, this);
  }

  readonly message: Signal<IEventStream<T>, T> = new Signal<IEventStream<T>, T>(
    this
  );
  readonly connectionChanged: Signal<IEventStream<T>, boolean> = new Signal<
    IEventStream<T>,
    boolean
  >(this);

  get connected(): boolean {
    return !this._isDisposed && this._socket.connected;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    Signal.clearData(this);
    this._socket.users -= 1;
    if (this._socket.users === 0) {
      this._socket.dispose();
    }
  }

  private _onMessage(_: ReconnectingSocket, message: IMessage): void {
    this.message.emit(message as T);
  }

  private _onConnection(_: ReconnectingSocket, connected: boolean): void {
    this.connectionChanged.emit(connected);
  }

  private _isDisposed = false;
}
