import type { Query } from '../api/client';
import type {
  IExperimentRun,
  IRunColumns,
  IRunGroup,
  IRunTableColumn,
  IRunTableLayout,
  IRunTableSearch
} from '../api/models';
import { numberOf } from './charts';

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

/** Selects the runs that are shown: those of an experiment, a workflow, with a name, and so on. */
export type ISearch = Required<IRunTableSearch>;

export const ALL_RUNS: ISearch = {
  q: '',
  filter: '',
  experiment: '',
  workflow: '',
  nested: false,
  state: 'active'
};

/** Columns, order, groups and baseline of the table. */
export type ILayout = Required<Omit<IRunTableLayout, 'columns'>> & {
  /** Null for those that most runs have values for. */
  columns: readonly ITableColumn[] | null;
};

export const DEFAULT_LAYOUT: ILayout = {
  columns: null,
  sort: null,
  group: null,
  baseline: null
};

/** A parameter or metric that may be a column. */
export interface IChoice {
  kind: 'metric' | 'param';
  name: string;
}

/** A column that is shown; a pinned one stays in view. */
export type ITableColumn = Required<IRunTableColumn>;

/** Returns the key of a choice, which is its name in MLflow's search syntax. */
export function sortKey({ kind, name }: IChoice): SortKey {
  return `${kind === 'metric' ? 'metrics' : 'params'}.\`${name}\``;
}

/** Returns a unique key of a run: nodes share the id of their workflow's run. */
export function keyOf(run: IExperimentRun): string {
  return run.id ?? run.run;
}

/** The search as the API takes it. */
export function filterOf(search: ISearch): Query {
  const { q, filter, experiment, workflow, nested, state } = search;
  return {
    q: q.trim() || undefined,
    filter: filter.trim() || undefined,
    experiment: experiment || undefined,
    workflow: workflow || undefined,
    nested: nested || undefined,
    ...(state === 'active' || state === 'commits' ? {} : { [state]: true })
  };
}

/** The query of a list of runs; `sort`: null for the newest first. */
export function queryOf(
  search: ISearch,
  sort: string | null
): Query & { limit: number } {
  return { limit: PAGE_SIZE, ...filterOf(search), sort: sort ?? undefined };
}

/** The order that a text such as "metrics.`acc` DESC" names. */
export function parseSort(text: string | null): ISort | null {
  const match = /^(.*) (ASC|DESC)$/.exec(text ?? '');
  return match && { key: match[1], descending: match[2] === 'DESC' };
}

export function formatSort(sort: ISort | null): string | null {
  return sort && `${sort.key} ${sort.descending ? 'DESC' : 'ASC'}`;
}

/** The fields that rows can be grouped by. */
export function groupFields(columns: IRunColumns): string[] {
  return [
    'experiment',
    'workflow',
    'name',
    ...columns.params.map(name => `params.${name}`),
    ...columns.tags.map(name => `tags.${name}`)
  ];
}

/** The groups in the order of the table: by the mean of the metric it is sorted by, or their values. */
export function sortGroups(
  groups: readonly IRunGroup[],
  sort: ISort | null
): readonly IRunGroup[] {
  const metric = /^metrics\.`(.*)`$/.exec(sort?.key ?? '')?.[1];
  const sign = sort?.descending ? -1 : 1;
  return [...groups].sort((one, other) => {
    if (metric !== undefined) {
      const [a, b] = [one.metrics[metric], other.metrics[metric]];
      return a && b ? sign * (a.mean - b.mean) : Number(!a) - Number(!b);
    }
    // Runs without a value are last.
    return one.value === null || other.value === null
      ? Number(one.value === null) - Number(other.value === null)
      : one.value.localeCompare(other.value, undefined, { numeric: true });
  });
}

/** The columns with one of them moved by some places. */
export function moved<T>(columns: readonly T[], from: number, by: number): T[] {
  const next = [...columns];
  const [column] = next.splice(from, 1);
  next.splice(Math.max(0, Math.min(next.length, from + by)), 0, column);
  return next;
}

/** The columns in the order of the table: pinned ones are first. */
export function inOrder(columns: readonly ITableColumn[]): ITableColumn[] {
  return [
    ...columns.filter(one => one.pinned),
    ...columns.filter(one => !one.pinned)
  ];
}

/** The difference of two numbers with its sign; empty for equal ones, and for other values. */
export function difference(value: unknown, baseline: unknown): string {
  const [a, b] = [numberOf(value), numberOf(baseline)];
  if (typeof a !== 'number' || typeof b !== 'number' || a === b) {
    return '';
  }
  const change = Number((a - b).toPrecision(3));
  return `${change > 0 ? '▲ +' : '▼ −'}${Math.abs(change)}`;
}

/** Everything that may be a column, metrics first; of commits, too. */
export function choicesOf(
  { metrics, params }: IRunColumns,
  commits: readonly IExperimentRun[]
): IChoice[] {
  const of = (
    kind: IChoice['kind'],
    names: readonly string[],
    more: string[]
  ): IChoice[] =>
    [...new Set([...names, ...more])].map(name => ({ kind, name }));
  return [
    ...of(
      'metric',
      metrics,
      commits.flatMap(one => Object.keys(one.metrics))
    ),
    ...of(
      'param',
      params,
      commits.flatMap(one => Object.keys(one.params))
    )
  ];
}

/** The choices that most of the runs have a value for; those with equal numbers in their order. */
export function columnsWithValues(
  choices: readonly IChoice[],
  runs: readonly IExperimentRun[]
): ITableColumn[] {
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
      .slice(0, MAX_COLUMNS)
      .map(one => ({ ...one, pinned: false }));
  };
  return [...of('metric'), ...of('param')];
}
