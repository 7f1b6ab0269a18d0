import { Signal } from '@lumino/signaling';

import type {
  INodeFailure,
  INodeEvent,
  IRun,
  IRunEvent,
  IRunSummary
} from '../../api/models';
import { KeyedStore } from './keyed';

export interface INodeState {
  status: string;
  started: string | null;
  ended: string | null;
  duration: number | null;
  /** Number of attempts; 0 before the first. */
  attempt: number;
  /** Progress reported by the node, 0 to 1. */
  progress: number | null;
  reasons: readonly string[];
  error: INodeFailure | null;
}

/** States after which a node or a run does not change any more. */
export const FINAL: ReadonlySet<string> = new Set([
  'COMPLETED',
  'CACHED',
  'FAILED',
  'SKIPPED',
  'CANCELLED',
  'INTERRUPTED'
]);

/** Statuses of finished but incomplete nodes and runs. */
export const INCOMPLETE: ReadonlySet<string | undefined> = new Set([
  'FAILED',
  'CANCELLED',
  'INTERRUPTED'
]);

/** Changes of nodes within this interval share a signal, in milliseconds. */
const CHANGE_DELAY = 100;

/** Of a sweep's variants the state that matters most is the node's. */
const PRIORITY = [
  'RUNNING',
  'QUEUED',
  'FAILED',
  'INTERRUPTED',
  'CANCELLED',
  'PENDING',
  'SKIPPED',
  'COMPLETED',
  'CACHED'
];

/** State of a run, and of each of its nodes. */
export class RunState {
  /** By the id of the stage, a sweep's variants taken together. */
  readonly nodes = new KeyedStore<INodeState>();

  get run(): IRunSummary | null {
    return this._run;
  }

  /** Node states by id, with each variant of sweeps. */
  get states(): ReadonlyMap<string, INodeState> {
    return new Map([...this._states].map(([id, { state }]) => [id, state]));
  }

  /** Emitted when the run or its state changes, and throttled after changes of nodes. */
  readonly changed = new Signal<this, void>(this);

  /** Number of nodes of the run, and of completed nodes. */
  get progress(): { done: number; total: number } {
    const states = [...this._states.values()];
    const done = states.filter(({ state }) => FINAL.has(state.status)).length;
    return { done, total: states.length };
  }

  /** Loads a run from the server; keeps the states of later events. */
  load(run: IRun): void {
    if (this._run && run.id < this._run.id) {
      return;
    }
    this._follow(run.id);
    if (run.last_seq >= this._seq) {
      this._run = run;
      this._seq = run.last_seq;
    }
    for (const node of run.nodes) {
      const before = this._states.get(node.id);
      if (!before || before.seq <= run.last_seq) {
        this._states.set(node.id, { seq: run.last_seq, state: node });
      }
    }
    this._show();
    this.changed.emit();
  }

  /** Applies an event. Returns true for a new run, whose nodes must be loaded. */
  apply(event: INodeEvent | IRunEvent): boolean {
    if (this._run && event.run < this._run.id) {
      return false;
    }
    const isNew = this._run?.id !== event.run;
    this._follow(event.run);
    if (event.type === 'run') {
      this._applyRun(event);
      this.changed.emit();
    } else {
      this._applyNode(event);
      this._changeSoon();
    }
    return isNew;
  }

  /** A thousand nodes may change within a second, so that the signal is throttled. */
  private _changeSoon(): void {
    this._timer ??= setTimeout(() => {
      this._timer = null;
      this.changed.emit();
    }, CHANGE_DELAY);
  }

  private _applyRun(event: IRunEvent): void {
    if (event.seq >= this._seq) {
      this._run = {
        ...this._run,
        ...event.data,
        id: event.run,
        status: event.status
      };
      this._seq = event.seq;
    }
    if (event.status === 'PENDING' && this._states.size === 0) {
      this._show();
    }
  }

  private _applyNode(event: INodeEvent): void {
    const before = this._states.get(event.node);
    if (before && before.seq > event.seq) {
      return;
    }
    const { data, status } = event;
    const isRunning = status === 'RUNNING';
    const state: INodeState = {
      status,
      started: isRunning
        ? (data.started ?? event.time)
        : (before?.state.started ?? null),
      ended: FINAL.has(status) ? (data.ended ?? event.time) : null,
      attempt: data.attempt ?? before?.state.attempt ?? 0,
      progress: isRunning ? (data.progress ?? null) : null,
      duration: isRunning
        ? null
        : (data.duration ?? before?.state.duration ?? null),
      reasons: data.reasons ?? before?.state.reasons ?? [],
      error: data.error ?? null
    };
    this._states.set(event.node, { seq: event.seq, state });
    this._showStage(event.node.split('@')[0]);
  }

  /** Discards the states of other runs. */
  private _follow(id: string): void {
    if (this._run?.id === id) {
      return;
    }
    this._run = { ...NO_RUN, id };
    this._seq = -1;
    this._states.clear();
    this._show();
  }

  private _show(): void {
    const combined = new Map<string, INodeState>();
    for (const id of this._states.keys()) {
      const stage = id.split('@')[0];
      if (!combined.has(stage)) {
        combined.set(stage, this._merge(stage));
      }
    }
    this.nodes.replace(combined);
  }

  private _showStage(stage: string): void {
    this.nodes.set(stage, this._merge(stage));
  }

  private _merge(stage: string): INodeState {
    const own = this._states.get(stage);
    if (own) {
      return own.state;
    }
    const variants = [...this._states]
      .filter(([id]) => id.startsWith(`${stage}@`))
      .map(([, { state }]) => state);
    return variants.reduce((most, state) =>
      PRIORITY.indexOf(state.status) < PRIORITY.indexOf(most.status)
        ? state
        : most
    );
  }

  private _run: IRunSummary | null = null;
  private _seq = -1;
  private _timer: ReturnType<typeof setTimeout> | null = null;
  private _states = new Map<string, { seq: number; state: INodeState }>();
}

const NO_RUN: IRunSummary = {
  id: '',
  workflow: '',
  path: '',
  status: 'PENDING',
  created: '',
  started: null,
  ended: null,
  duration: null,
  jobs: 1,
  origin: '',
  error: null,
  counts: {},
  mlflow_run: null,
  resumes: null,
  commit: null
};
