/** The JSON of searched and reproduced runs, field for field. */

import type { IExperimentRun } from '../api/models';

/** A run as a search tells it. */
export interface IFoundRun extends IExperimentRun {
  /** Which node of a workflow's run it is. */
  node: string | null;
  name: string;
  experiment: string | null;
  /** Its commit was made for it, because the working tree was none. */
  dirty: boolean | null;
  /** The data that it read: path → hash. */
  inputs: Record<string, string>;
  tags: Record<string, string>;
}

/** The names of what runs have. */
export interface IRunColumns {
  params: string[];
  metrics: string[];
}

/** A metric of several runs, step by step. */
export interface ICurves {
  metric: string;
  items: {
    run: string;
    points: { step: number; time: number; value: number }[];
  }[];
}

/** A git worktree of what a run started from. */
export interface IReproduction {
  id: string;
  /** MLflow's id. */
  run: string;
  commit: string;
  path: string;
  workflow: string | null;
  params: Record<string, any>;
  metrics: Record<string, number | null>;
  data: string[];
  /** Data that no store has; `made`: a run of the workflow makes it again. */
  unavailable: { path: string; md5: string; made: boolean }[];
  /** What does the same again, in a shell. */
  command: string | null;
  remove: string;
}
