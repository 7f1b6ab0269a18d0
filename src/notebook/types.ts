import type { IOutput } from '@jupyterlab/nbformat';

/** Where an execution stands, as the API says it. */
export type ExecutionState =
  'QUEUED' | 'RUNNING' | 'SUCCESS' | 'ERROR' | 'TIMEOUT' | 'CANCELLED' | 'LOST';

/** Why an execution ended badly; `line` counts from 1. */
export interface IExecutionError {
  code: string;
  message: string;
  solution: string;
  ename: string | null;
  evalue: string | null;
  line: number | null;
  traceback: string[];
}

/** One execution of a cell or of free code. */
export interface IExecution {
  id: string;
  cell: string | null;
  source: string;
  status: ExecutionState;
  started: string | null;
  /** Seconds. */
  duration: number | null;
  execution_count: number | null;
  origin: 'api' | 'lab' | 'client';
  /** Bytes. */
  memory: number | null;
  snapshot: string | null;
  error: IExecutionError | null;
}

/** An earlier failure of the same kind; `fix` is what mended it, as a unified diff. */
export interface ISimilar {
  execution: IExecution;
  fix: { diff: string[] } | null;
}

/** A cell that failed when it last ran. */
export interface ICellFailure {
  execution: IExecution;
  similar: ISimilar[];
}

/** What the stream of a notebook tells, as far as the lab heeds it. */
export type NotebookEvent =
  | { type: 'hello' | 'reset' | 'status' | 'request' | 'limited' }
  | { type: 'execution'; status: ExecutionState; cell: string | null }
  | { type: 'saved'; cells: string[] }
  | { type: 'death'; exit_code: number | null; cells: string[] }
  | { type: 'memory'; level: 'warning' | 'limit'; used: number; limit: number };

/** A cell of the saved document. */
export interface ISavedCell {
  id: string;
  type: string;
  outputs: IOutput[];
  execution_count: number | null;
}

/** A line of the server's log. */
export interface ILogEntry {
  seq: number;
  time: string;
  source: string;
  level: 'debug' | 'info' | 'warning' | 'error';
  subject: string;
  message: string;
}
