import { QueryObserver } from '@tanstack/react-query';
import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import {
  type IEventStream,
  type MLWSClient,
  type APIError,
  apiError
} from '../api/client';
import type { IExecution, IPage, ICell, NotebookEvent } from '../api/models';
import { State } from '../ui/state';

/** Server state of an open notebook, updated by its event stream. */
export class NotebookModel implements IDisposable {
  constructor(
    private _client: MLWSClient,
    /** The path that the server knows the notebook by. */
    readonly path: string
  ) {
    void this._open();
  }

  /** The notebook's id; null until it is known. */
  readonly id = new State<string | null>(null);

  /** Error of loading the notebook. */
  readonly error = new State<APIError | null>(null);

  /** The newest execution of each cell. */
  readonly cells = new State<ReadonlyMap<string, IExecution>>(new Map());

  /** Emitted for executions, deaths of the kernel, memory, and saves by the server. */
  get happened(): ISignal<this, NotebookEvent> {
    return this._happened;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._unsubscribe();
    this._stream?.dispose();
    Signal.clearData(this);
  }

  /** API path of a part of the notebook. */
  address<P extends string>(part: P) {
    return `/notebooks/${String(this.id.value)}${part}` as const;
  }

  /** Seconds that a cell run here may take; null: as long as it likes. */
  async setTimeout(seconds: number | null): Promise<void> {
    this._timeout = seconds;
    if (this.id.value !== null) {
      await this._client.put(this.address('/limits'), { timeout: seconds });
    }
  }

  /** The cells to run again for a cell, in order; it is the last. */
  async needs(cell: string): Promise<string[]> {
    const path = this.address(`/cells/${encodeURIComponent(cell)}/needs`);
    return (await this._client.get(path)).cells;
  }

  /** The cells as the server has them, with their outputs. */
  async saved(): Promise<ICell[]> {
    const path = this.address('');
    return (await this._client.get(path)).cells;
  }

  private async _open(): Promise<void> {
    try {
      const page = await this._client.get('/notebooks', {
        path: this.path
      });
      if (page.items.length === 0 || this._isDisposed) {
        return;
      }
      this.id.value = page.items[0].id;
      this._follow();
      if (this._timeout !== null) {
        await this.setTimeout(this._timeout);
      }
    } catch (error) {
      this.error.value = apiError(error);
    }
  }

  private _follow(): void {
    const stream = (this._stream = this._client.stream(
      this.address('/output'),
      { outputs: 'false' }
    ));
    stream.message.connect((_, event) => {
      const { type } = event;
      if (['death', 'memory', 'saved', 'unsaved', 'execution'].includes(type)) {
        this._happened.emit(event);
      } else if (!['hello', 'reset'].includes(type)) {
        return;
      }
      void this._client.refresh(this.address('/'));
    });
    const cells = new QueryObserver<IPage<IExecution>>(this._client.queries, {
      queryKey: [this.address('/cells'), {}],
      notifyOnChangeProps: ['data']
    });
    this._unsubscribe = cells.subscribe(({ data }) => {
      this.cells.value = new Map(data?.items.map(one => [one.cell ?? '', one]));
    });
  }

  private _timeout: number | null = null;
  private _stream: IEventStream<NotebookEvent> | null = null;
  private _unsubscribe: () => void = () => undefined;
  private _isDisposed = false;
  private _happened = new Signal<this, NotebookEvent>(this);
}
