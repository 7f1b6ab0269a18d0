import type { Query } from '../api/client';
import type { IExperimentRun, IRunColumns } from '../api/models';

/** Runs that are read at once. */
const PAGE_SIZE = 100;
/** Metrics, and parameters, that are shown before the user chooses columns. */
const MAX_COLUMNS = 6;

/** A column to sort by, in MLflow's search syntax. */
export type SortKey = string;

export interface ISort {
  key: SortKey;
  descending: boolean;
}

/** Selects the runs that are shown. */
export interface ISearch {
  /** Part of the name. */
  q: string;
  /** In MLflow's search syntax. */
  filter: string;
  /** Path of a workflow; "" for all runs. */
  workflow: string;
  /** The runs of nodes, too. */
  nested: boolean;
  /** Which runs: those with a star, archived ones as well, or deleted ones. */
  state: 'active' | 'starred' | 'archived' | 'deleted';
}

export const ALL_RUNS: ISearch = {
  q: '',
  filter: '',
  workflow: '',
  nested: false,
  state: 'active'
};

/** A parameter or metric that may be a column. */
export interface IChoice {
  kind: 'metric' | 'param';
  name: string;
}

/** Returns the key of a choice, which is its name in MLflow's search syntax. */
export function sortKey({ kind, name }: IChoice): SortKey {
  return `${kind === 'metric' ? 'metrics' : 'params'}.\`${name}\``;
}

/** Returns a unique key of a run: nodes share the id of their workflow's run. */
export function keyOf(run: IExperimentRun): string {
  return run.id ?? run.run;
}

/** The search as the API takes it; `sort`: null for the newest first. */
export function queryOf(
  { q, filter, workflow, nested, state }: ISearch,
  sort: ISort | null
): Query & { limit: number } {
  return {
    limit: PAGE_SIZE,
    q: q.trim() || undefined,
    filter: filter.trim() || undefined,
    workflow: workflow || undefined,
    nested: nested || undefined,
    ...(state === 'active' ? {} : { [state]: true }),
    sort: sort ? `${sort.key} ${sort.descending ? 'DESC' : 'ASC'}` : undefined
  };
}

/** Everything that may be a column, metrics first. */
export function choicesOf({ metrics, params }: IRunColumns): IChoice[] {
  return [
    ...metrics.map(name => ({ kind: 'metric' as const, name })),
    ...params.map(name => ({ kind: 'param' as const, name }))
  ];
}

/** The choices that most of the runs have a value for; those with equal numbers in their order. */
export function columnsWithValues(
  choices: readonly IChoice[],
  runs: readonly IExperimentRun[]
): IChoice[] {
  const of = (kind: IChoice['kind']) => {
    const counts = new Map<string, number>();
    for (const { metrics, params } of runs) {
      for (const name of Object.keys(kind === 'metric' ? metrics : params)) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    return choices
      .filter(one => one.kind === kind && counts.has(one.name))
      .sort((one, other) => counts.get(other.name)! - counts.get(one.name)!)
      .slice(0, MAX_COLUMNS);
  };
  return [...of('metric'), ...of('param')];
}
