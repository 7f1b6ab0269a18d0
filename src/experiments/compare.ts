import type { IExperimentRun } from '../api/models';

/** A parameter or metric of the compared runs. */
export interface IColumn {
  kind: 'param' | 'metric';
  name: string;
  /** True unless the runs have equal values. */
  differs: boolean;
}

/** Order of a table; `null` keeps the order of the runs. */
export interface IOrder {
  column: IColumn;
  descending: boolean;
}

/** The value of a run in a column; undefined if it has none. */
export function valueOf(run: IExperimentRun, column: IColumn): unknown {
  return (column.kind === 'param' ? run.params : run.metrics)[column.name];
}

/** All metrics, then all parameters of the runs; of each kind, differing columns first. */
export function columnsOf(runs: readonly IExperimentRun[]): IColumn[] {
  const of = (kind: IColumn['kind']): IColumn[] => {
    const names = new Set(
      runs.flatMap(run =>
        Object.keys(kind === 'param' ? run.params : run.metrics)
      )
    );
    const columns = [...names].sort().map(name => {
      const column: IColumn = { kind, name, differs: false };
      const values = runs.map(run => JSON.stringify(valueOf(run, column)));
      return { ...column, differs: new Set(values).size > 1 };
    });
    return [
      ...columns.filter(one => one.differs),
      ...columns.filter(one => !one.differs)
    ];
  };
  return [...of('metric'), ...of('param')];
}

/** The runs in order; numbers by value, other values as text, runs without a value last. */
export function sortRuns(
  runs: readonly IExperimentRun[],
  order: IOrder | null
): readonly IExperimentRun[] {
  if (!order) {
    return runs;
  }
  const sign = order.descending ? -1 : 1;
  return [...runs].sort((one, other) => {
    const [a, b] = [valueOf(one, order.column), valueOf(other, order.column)];
    if (a === undefined || a === null || b === undefined || b === null) {
      return (
        Number(a === undefined || a === null) -
        Number(b === undefined || b === null)
      );
    }
    if (typeof a === 'number' && typeof b === 'number') {
      return sign * (a - b);
    }
    return (
      sign * String(a).localeCompare(String(b), undefined, { numeric: true })
    );
  });
}
