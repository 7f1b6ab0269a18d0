import { ISignal, Signal } from '@lumino/signaling';

import type { IEventStream, IPage, MLWSClient } from '../api/client';
import { LiveModel } from '../api/live';
import type {
  ICellFailure,
  IExecution,
  ISavedCell,
  NotebookEvent
} from '../api/models';

/** What is known of the cells of one open notebook; it follows the notebook's stream. */
export class NotebookModel extends LiveModel {
  constructor(
    client: MLWSClient,
    /** The path that the server knows the notebook by. */
    readonly path: string
  ) {
    super(client);
  }

  /** The notebook's id; null until it is known. */
  get id(): string | null {
    return this._id;
  }

  /** The newest execution of each cell. */
  get cells(): ReadonlyMap<string, IExecution> {
    return this._cells;
  }

  /** The cells that failed when they last ran. */
  get failures(): readonly ICellFailure[] {
    return this._failures;
  }

  /** Emitted when the kernel died, its memory runs out, or outputs were saved by API. */
  get happened(): ISignal<this, NotebookEvent> {
    return this._happened;
  }

  /** Seconds that a cell run here may take; null: as long as it likes. */
  async setTimeout(seconds: number | null): Promise<void> {
    this._timeout = seconds;
    if (this._id !== null) {
      await this.client.put(`/notebooks/${this._id}/limits`, {
        timeout: seconds
      });
    }
  }

  /** The cells to run again for a cell, in order; it is the last. */
  async needs(cell: string): Promise<string[]> {
    const path = `/notebooks/${this._id}/cells/${encodeURIComponent(cell)}/needs`;
    return (await this.client.get<{ cells: string[] }>(path)).cells;
  }

  /** The cells as the server has them, with their outputs. */
  async saved(): Promise<ISavedCell[]> {
    const path = `/notebooks/${this._id}`;
    return (await this.client.get<{ cells: ISavedCell[] }>(path)).cells;
  }

  /** The executions of a cell, or of the whole notebook, newest first. */
  history(cell: string | null, q: string): Promise<IPage<IExecution>> {
    return this.client.get(`/notebooks/${this._id}/executions`, {
      cell,
      q: q || undefined
    });
  }

  dispose(): void {
    this._stream?.dispose();
    super.dispose();
  }

  protected async load(): Promise<void> {
    if (this._id === null) {
      const page = await this.client.get<IPage<{ id: string }>>('/notebooks', {
        path: this.path
      });
      if (page.items.length === 0 || this.isDisposed) {
        return;
      }
      this._id = page.items[0].id;
      this._stream = this.client.stream<NotebookEvent>(
        `/notebooks/${this._id}/output`,
        { outputs: 'false' }
      );
      this._stream.message.connect(this._onEvent, this);
      if (this._timeout !== null) {
        await this.setTimeout(this._timeout);
      }
    }
    const [cells, failures] = await Promise.all([
      this.client.get<IPage<IExecution>>(`/notebooks/${this._id}/cells`),
      this.client.get<IPage<ICellFailure>>(`/notebooks/${this._id}/errors`)
    ]);
    this._cells = new Map(cells.items.map(one => [one.cell ?? '', one]));
    this._failures = failures.items;
  }

  private _onEvent(_: IEventStream, event: NotebookEvent): void {
    if (['execution', 'hello', 'reset'].includes(event.type)) {
      void this.refresh();
    } else if (['death', 'memory', 'saved'].includes(event.type)) {
      this._happened.emit(event);
      void this.refresh();
    }
  }

  private _id: string | null = null;
  private _timeout: number | null = null;
  private _stream: IEventStream<NotebookEvent> | null = null;
  private _cells: ReadonlyMap<string, IExecution> = new Map();
  private _failures: readonly ICellFailure[] = [];
  private _happened = new Signal<this, NotebookEvent>(this);
}
