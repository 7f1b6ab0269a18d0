import { ISignal, Signal } from '@lumino/signaling';

import type {
  INodeEvent,
  IRun,
  IRunEvent,
  IRunSummary
} from '../../api/models';
import { FINAL, RunStore } from './runs';
import type { IRunOptions, WorkflowService } from './service';

/** Asks the server; what fails is told to people. */
export type Ask = <T>(
  request: (service: WorkflowService) => Promise<T>,
  take: (reply: T) => void
) => Promise<void>;

/** The runs of one workflow: the newest as it goes on, past ones to look at, and what can be done. */
export class RunControl {
  constructor(private _ask: Ask) {}

  /** The newest run. */
  readonly newest = new RunStore();
  /** The one that is looked at: the newest, unless a past one was chosen. */
  readonly shown = new RunStore();

  /** Newest first. */
  get past(): readonly IRunSummary[] {
    return this._past;
  }

  /** The id of the past run that was chosen to be looked at. */
  get chosen(): string | null {
    return this._chosen;
  }

  /** The list of runs changed, or another one is looked at. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when a run is over. */
  get ended(): ISignal<this, IRunEvent> {
    return this._ended;
  }

  get isRunning(): boolean {
    const { run } = this.newest;
    return run !== null && !FINAL.has(run.status);
  }

  dispose(): void {
    Signal.clearData(this);
  }

  /** Reads the list of runs, and the newest with its nodes. */
  async load(): Promise<void> {
    await this._ask(
      service => service.runs(),
      ({ items, next_cursor }) => {
        this._past = items;
        this._cursor = next_cursor;
        this._changed.emit();
      }
    );
    if (this._past.length > 0) {
      await this._ask(
        service => service.status(),
        run => this._take(run)
      );
    }
  }

  /** Are there older runs than those of the list? */
  get hasMore(): boolean {
    return this._cursor !== null;
  }

  async loadMore(): Promise<void> {
    const cursor = this._cursor;
    if (cursor === null) {
      return;
    }
    await this._ask(
      service => service.runs(cursor),
      ({ items, next_cursor }) => {
        if (this._cursor === cursor) {
          this._past = [...this._past, ...items];
          this._cursor = next_cursor;
          this._changed.emit();
        }
      }
    );
  }

  apply(event: INodeEvent | IRunEvent): void {
    const isNew = this.newest.apply(event);
    if (this._chosen === null) {
      this.shown.apply(event);
    }
    const isOver = event.type === 'run' && FINAL.has(event.status);
    if (isNew || isOver) {
      void this.load();
    }
    if (isOver) {
      this._ended.emit(event as IRunEvent);
    }
  }

  /** Lays a past run over the graph; null goes back to the newest. */
  async show(id: string | null): Promise<void> {
    const run = id ?? this.newest.run?.id;
    this._chosen = id;
    this._changed.emit();
    if (run) {
      await this._ask(
        service => service.run(run),
        reply => {
          // Meanwhile another may have been chosen.
          if (this._chosen === id) {
            this.shown.replace(reply);
          }
        }
      );
    }
  }

  start(options: IRunOptions): Promise<void> {
    return this._begin(service => service.execute(options));
  }

  async cancel(): Promise<void> {
    const { run } = this.newest;
    if (run && this.isRunning) {
      await this._ask(
        service => service.cancel(run.id),
        () => undefined
      );
    }
  }

  /** Does what the run that is looked at left undone. */
  resume(): Promise<void> {
    return this._onShown((service, run) => service.resume(run));
  }

  /** Runs a node of the run that is looked at again, and what depends on it. */
  retry(node: string): Promise<void> {
    return this._onShown((service, run) => service.retry(run, node));
  }

  /** Runs what depends on a node, with what the node left. */
  skip(node: string): Promise<void> {
    return this._onShown((service, run) => service.skip(run, node));
  }

  private async _onShown(
    request: (service: WorkflowService, run: string) => Promise<IRun>
  ): Promise<void> {
    const run = this.shown.run?.id;
    if (run) {
      await this._begin(service => request(service, run));
    }
  }

  private async _begin(
    request: (service: WorkflowService) => Promise<IRun>
  ): Promise<void> {
    await this._ask(request, run => {
      this._chosen = null;
      this._take({
        ...run,
        nodes: run.nodes ?? [],
        last_seq: run.last_seq ?? 0
      });
      this._changed.emit();
    });
  }

  private _take(run: IRun): void {
    this.newest.load(run);
    if (this._chosen === null) {
      if (this.shown.run && this.shown.run.id > run.id) {
        this.shown.replace(run);
      } else {
        this.shown.load(run);
      }
    }
  }

  private _past: readonly IRunSummary[] = [];
  private _cursor: string | null = null;
  private _chosen: string | null = null;
  private _changed = new Signal<this, void>(this);
  private _ended = new Signal<this, IRunEvent>(this);
}
