import { Signal } from '@lumino/signaling';

import { APIError } from '../../api/client';
import type {
  INodePlan,
  IRun,
  IRunSummary,
  IWorkflowEvent
} from '../../api/models';
import { downstream } from '../graph/order';
import type { DocumentStore } from './document';
import type { DrawingStore } from './drawing';
import type { KeyedStore } from './keyed';
import { PlanStore } from './plan';
import { FINAL, RunState } from './run';
import type { ServerLink } from './server';
import type { Continuation, IRunOptions, WorkflowService } from './service';

/** A save is reported several times within this interval, in milliseconds. */
const SAVE_DELAY = 50;

/** A run that could not start, and the error that names the data. */
export interface IUnpulled {
  error: APIError;
  /** Starts the run that was asked for, after it has pulled the data. */
  pullAndRun: () => Promise<void>;
}

/** Runs of a workflow: the plan of the next run, the current run, and past runs. */
export class RunsStore {
  constructor(
    private _server: ServerLink,
    private _document: DocumentStore,
    private _drawing: DrawingStore
  ) {
    _server.message.connect(this._onMessage, this);
    _server.connectionChanged.connect(this._onConnection, this);
    this.forecast = new PlanStore(_server, _document, _drawing);
    _drawing.validated.connect(() => void this.forecast.refresh());
  }

  /** Run shown by the graph: the newest, or that of a past run's canvas. */
  readonly current = new RunState();
  /** The plan of the next run. */
  readonly forecast: PlanStore;

  /** Actions of the next run, by node. */
  get plan(): KeyedStore<INodePlan> {
    return this.forecast.nodes;
  }

  /** Newest first. */
  get past(): readonly IRunSummary[] {
    return this._past;
  }

  /** The list of runs changed. */
  readonly changed = new Signal<this, void>(this);

  /** Emitted when a run can't start because data that it reads was not pulled. */
  readonly unpulled = new Signal<this, IUnpulled>(this);

  /** Emitted when a run ends that was going on while the canvas was open. */
  readonly ended = new Signal<this, IRunSummary>(this);

  get isRunning(): boolean {
    const { run } = this.current;
    return run !== null && !FINAL.has(run.status);
  }

  /** True if a run can be started: there is a server, and no obstacle. */
  get canRun(): boolean {
    return (
      this._server.service !== null &&
      !this.isRunning &&
      !this._document.error &&
      !this._document.isReadOnly
    );
  }

  /** Tests whether older runs exist beyond the list. */
  get hasMore(): boolean {
    return this._cursor !== null;
  }

  dispose(): void {
    clearTimeout(this._timer);
    this.forecast.dispose();
    Signal.clearData(this);
  }

  /** Loads the list of runs, and the shown run with its nodes. */
  async load(): Promise<void> {
    await this._server.ask(
      service => service.runs(),
      ({ items, next_cursor }) => {
        this._past = items;
        this._cursor = next_cursor;
        this.changed.emit();
      }
    );
    if (this._past.length > 0) {
      await this._server.ask(
        service => service.run(),
        run => this._take(run)
      );
    }
  }

  async loadMore(): Promise<void> {
    const cursor = this._cursor;
    if (cursor === null) {
      return;
    }
    await this._server.ask(
      service => service.runs(cursor),
      ({ items, next_cursor }) => {
        if (this._cursor === cursor) {
          this._past = [...this._past, ...items];
          this._cursor = next_cursor;
          this.changed.emit();
        }
      }
    );
  }

  /** The file was written, or read again from the disk. */
  onSaved(): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this.forecast.refresh(), SAVE_DELAY);
  }

  /** Writes the file if need be, then starts a run. */
  start(options: IRunOptions = {}): Promise<void> {
    return this._begin((service, pull) =>
      service.execute(pull ? { ...options, pull } : options)
    );
  }

  /** Runs nodes and their outdated dependencies. */
  startTo(nodes: Iterable<string>): Promise<void> {
    return this.start({ targets: this._runIds([...nodes]) });
  }

  /** Runs nodes again, with their dependents. */
  startFrom(nodes: Iterable<string>): Promise<void> {
    const first = [...nodes];
    const targets = new Set(
      first.flatMap(node => [node, ...downstream(this._drawing.graph, node)])
    );
    const again = this._runIds(first);
    return this.start({ targets: this._runIds([...targets]), again });
  }

  /** Runs nodes even if up to date, but not their dependents. */
  startOnly(nodes: Iterable<string>): Promise<void> {
    const targets = this._runIds([...nodes]);
    return this.start({ targets, again: targets });
  }

  async cancel(): Promise<void> {
    const { run } = this.current;
    if (run && this.isRunning) {
      await this._server.ask(service => service.cancel(run.id));
    }
  }

  /** Saves the file if necessary, then runs the incomplete nodes of the shown run. */
  resume(): Promise<void> {
    return this._continue('resume');
  }

  /** Saves the file if necessary, then runs a node of the shown run again, with its dependents. */
  retry(node: string): Promise<void> {
    return this._continue(`nodes/${encodeURIComponent(node)}/retry`);
  }

  /** Saves the file if necessary, then runs the dependents of a node on its existing outputs. */
  skip(node: string): Promise<void> {
    return this._continue(`nodes/${encodeURIComponent(node)}/skip`);
  }

  private async _continue(how: Continuation): Promise<void> {
    const run = this.current.run?.id;
    if (run) {
      await this._begin((service, pull) => service.continue(run, how, pull));
    }
  }

  private async _begin(
    request: (service: WorkflowService, pull: boolean) => Promise<IRun>,
    pull = false
  ): Promise<void> {
    await this._document.save();
    const onReply = (run: IRun): void => {
      this._take({
        ...run,
        nodes: run.nodes ?? [],
        last_seq: run.last_seq ?? 0
      });
      this.changed.emit();
    };
    const onError = (error: unknown): boolean => {
      if (error instanceof APIError && error.code === '40212') {
        const pullAndRun = (): Promise<void> => this._begin(request, true);
        this.unpulled.emit({ error, pullAndRun });
        return true;
      }
      return false;
    };
    await this._server.ask(service => request(service, pull), onReply, onError);
  }

  /** A sweep runs as its variants. */
  private _runIds(ids: readonly string[]): string[] {
    return ids.flatMap(id => {
      const { variants = [] } = this._drawing.graph.nodes.get(id)?.stage ?? {};
      return variants.length > 0
        ? variants.map(variant => `${id}@${variant}`)
        : [id];
    });
  }

  private _take(run: IRun): void {
    this.current.load(run);
    this._noticeEnd();
  }

  private _onMessage(_: unknown, event: IWorkflowEvent): void {
    if (event.type !== 'run' && event.type !== 'node') {
      void this.load();
      return;
    }
    const isNew = this.current.apply(event);
    this._noticeEnd();
    const isOver = event.type === 'run' && FINAL.has(event.status);
    if (isNew || isOver) {
      void this.load();
    }
    if (isOver) {
      void this.forecast.refresh();
    }
  }

  private _noticeEnd(): void {
    const { run } = this.current;
    if (run && !FINAL.has(run.status)) {
      this._live = run.id;
    } else if (run && this._live === run.id) {
      this._live = null;
      this.ended.emit(run);
    }
  }

  private _onConnection(_: unknown, isConnected: boolean): void {
    if (isConnected) {
      void this.load();
    }
  }

  private _past: readonly IRunSummary[] = [];
  private _cursor: string | null = null;
  /** Id of the active run. */
  private _live: string | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
