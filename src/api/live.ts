import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { APIError, IEventStream, MLWSClient } from './client';
import type { IWorkflowEvent, IWorkspaceEvent, WorkspaceArea } from './models';

/**
 * Something of a server that a view shows and that is kept up to date.
 *
 * While nobody looks (`active` is false) it fetches nothing, and catches up afterwards.
 */
export abstract class LiveModel implements IDisposable {
  constructor(protected readonly client: MLWSClient) {}

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
    if (active === this._active) {
      return;
    }
    this._active = active;
    this.attend(active);
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
    if (!this._active || !this.canRead) {
      return Promise.resolve();
    }
    this._reading ??= this._read().finally(() => {
      this._reading = null;
    });
    return this._reading;
  }

  /** Fetches what is shown; an APIError becomes `error`. */
  protected abstract load(): Promise<void>;

  /** Whether the server can be asked now; what is the server's own always can. */
  protected get canRead(): boolean {
    return true;
  }

  /** Somebody begins to look, or nobody does any more. */
  protected attend(active: boolean): void {}

  /** Tells the views. */
  protected changed(): void {
    this._stateChanged.emit();
  }

  /** Nothing that was read holds any more. */
  protected forget(): void {
    this._ready = false;
    this._error = null;
    this.changed();
    void this.refresh();
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

  private _stateChanged = new Signal<this, void>(this);
  private _active = false;
  private _stale = true;
  private _ready = false;
  private _isDisposed = false;
  private _error: APIError | null = null;
  private _reading: Promise<void> | null = null;
}

/** A live model of the current project, which follows the workspace by itself. */
export abstract class WorkspaceModel extends LiveModel {
  /** `areas`: changes in these make a refresh necessary, and so do those of `runs`. */
  constructor(
    client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    private _areas: readonly WorkspaceArea[],
    runs?: IEventStream<IWorkflowEvent>
  ) {
    super(client);
    events.message.connect(this._onEvent, this);
    runs?.message.connect(this._onAnyRun, this);
    client.projectChanged.connect(this._onProject, this);
  }

  protected get canRead(): boolean {
    return this.client.isReady;
  }

  /** Forgets everything: another project is shown from now on. */
  protected abstract reset(): void;

  /** Something changed that is shown. */
  protected hear(event: IWorkspaceEvent): void {
    void this.refresh();
  }

  private _onEvent(_: IEventStream, event: IWorkspaceEvent): void {
    // A connection that comes back ("hello") may have missed what happened meanwhile.
    const concerns =
      event.type !== 'workspace' ||
      event.areas.some(area => this._areas.includes(area));
    if (concerns) {
      this.hear(event);
    }
  }

  private _onAnyRun(_: IEventStream, event: IWorkflowEvent): void {
    if (event.type === 'run' || event.type === 'reset') {
      void this.refresh();
    }
  }

  private _onProject(): void {
    this.reset();
    this.forget();
  }
}
