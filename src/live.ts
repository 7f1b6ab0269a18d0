import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { APIError, IEventStream, MLWSClient } from './api';
import type { IWorkspaceEvent, WorkspaceArea } from './models';

/**
 * Something of the server that a view shows and that follows the workspace by itself.
 *
 * While nobody looks (`active` is false) it fetches nothing, and catches up afterwards.
 */
export abstract class LiveModel implements IDisposable {
  /** `areas`: changes in these make a refresh necessary. */
  constructor(
    protected readonly client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    private _areas: readonly WorkspaceArea[]
  ) {
    events.message.connect(this._onEvent, this);
    client.projectChanged.connect(this._onProject, this);
  }

  /** Emitted after every change of what there is to show. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Why the newest attempt to read failed. */
  get error(): APIError | null {
    return this._error;
  }

  /** Whether there is something to show, were it old: a reading has succeeded. */
  get ready(): boolean {
    return this._ready;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether somebody looks. */
  get active(): boolean {
    return this._active;
  }

  set active(active: boolean) {
    this._active = active;
    if (active && this._stale) {
      void this.refresh();
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  /** Reads anew; calls while a reading goes on lead to one more reading together. */
  refresh(): Promise<void> {
    this._stale = true;
    if (!this._active || !this.client.isReady) {
      return Promise.resolve();
    }
    this._reading ??= this._read().finally(() => {
      this._reading = null;
    });
    return this._reading;
  }

  /** Fetches what is shown; an APIError becomes `error`. */
  protected abstract load(): Promise<void>;

  /** Forgets everything: another project is shown from now on. */
  protected abstract reset(): void;

  /** Tells the views. */
  protected changed(): void {
    this._stateChanged.emit();
  }

  private async _read(): Promise<void> {
    while (this._stale && this._active && !this._isDisposed) {
      this._stale = false;
      try {
        await this.load();
        this._ready = true;
        this._error = null;
      } catch (error) {
        if (!(error instanceof APIError)) {
          throw error;
        }
        this._error = error;
      }
      this.changed();
    }
  }

  private _onEvent(_: IEventStream, event: IWorkspaceEvent): void {
    // A connection that comes back ("hello") may have missed what happened meanwhile.
    const concerns =
      event.type !== 'workspace' ||
      event.areas.some(area => this._areas.includes(area));
    if (concerns) {
      void this.refresh();
    }
  }

  private _onProject(): void {
    this.reset();
    this._ready = false;
    this._error = null;
    this.changed();
    void this.refresh();
  }

  private _stateChanged = new Signal<this, void>(this);
  private _active = false;
  private _stale = true;
  private _ready = false;
  private _isDisposed = false;
  private _error: APIError | null = null;
  private _reading: Promise<void> | null = null;
}
