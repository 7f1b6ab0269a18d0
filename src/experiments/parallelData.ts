import type { IExperimentRun } from '../api/models';
import { isNumeric, numberOf } from './charts';
import { valueOf, type IColumn } from './compare';

/** Runs on parallel axes, and which parameters matter for a metric. */

/** A column as an axis. */
export interface IAxis {
  column: IColumn;
  /** Labels of the lower and the upper end. */
  least: string;
  most: string;
  /** Returns the position of a value, from 0 (lower end) to 1; null without a value. */
  place: (value: unknown) => number | null;
}

/** Part of an axis, from 0 to 1, that runs must pass through. */
export type Brush = readonly [from: number, to: number];

/** Runs with a value of both that a correlation needs at least. */
const MIN_RUNS = 3;

/** The axis of a column; null if no run has a value. */
export function axisOf(
  runs: readonly IExperimentRun[],
  column: IColumn
): IAxis | null {
  const values = runs
    .map(run => valueOf(run, column))
    .filter(value => numberOf(value) !== null);
  if (values.length === 0) {
    return null;
  }
  if (isNumeric(runs, column)) {
    const numbers = values.map(Number);
    const least = numbers.reduce((one, other) => Math.min(one, other));
    const most = numbers.reduce((one, other) => Math.max(one, other));
    return {
      column,
      least: short(least),
      most: short(most),
      place: value => {
        const number = numberOf(value);
        return number === null || number === undefined
          ? null
          : most === least
            ? 0.5
            : (number - least) / (most - least);
      }
    };
  }
  const names = [...new Set(values.map(String))].sort();
  const index = new Map(names.map((name, at) => [name, at]));
  return {
    column,
    least: names[0],
    most: names[names.length - 1],
    place: value => {
      const at = index.get(String(value));
      return numberOf(value) === null || at === undefined
        ? null
        : names.length === 1
          ? 0.5
          : at / (names.length - 1);
    }
  };
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** The columns, those first that most of the runs have a value for. */
export function bestFilled(
  runs: readonly IExperimentRun[],
  columns: readonly IColumn[]
): IColumn[] {
  const counts = new Map(
    columns.map(column => {
      const values = runs.map(run => numberOf(valueOf(run, column)));
      return [column, values.filter(value => value !== null).length];
    })
  );
  return [...columns].sort(
    (one, other) => counts.get(other)! - counts.get(one)!
  );
}

/** The runs that pass through all brushes, which are by the names of axes. */
export function brushed(
  runs: readonly IExperimentRun[],
  axes: readonly IAxis[],
  brushes: ReadonlyMap<string, Brush>
): IExperimentRun[] {
  const limited = axes.flatMap(axis => {
    const brush = brushes.get(nameOf(axis.column));
    return brush ? [{ axis, brush }] : [];
  });
  return runs.filter(run =>
    limited.every(({ axis, brush: [from, to] }) => {
      const place = axis.place(valueOf(run, axis.column));
      return place !== null && place >= from && place <= to;
    })
  );
}

export function nameOf({ kind, name }: IColumn): string {
  return `${kind} ${name}`;
}

/** A parameter, and how closely a metric follows it, from 0 to 1. */
export interface IImportance {
  column: IColumn;
  value: number;
}

/**
 * How closely a metric follows each parameter, the closest first.
 *
 * For numbers the size of the rank correlation (Spearman), for words the correlation ratio: the part
 * of the metric's deviation that is between groups. It is no cause, and says nothing of two together.
 */
export function importance(
  runs: readonly IExperimentRun[],
  params: readonly IColumn[],
  metric: IColumn
): IImportance[] {
  return params
    .flatMap(column => {
      const pairs = runs.flatMap((run): [unknown, number][] => {
        const [x, y] = [valueOf(run, column), numberOf(valueOf(run, metric))];
        return numberOf(x) !== null && typeof y === 'number' ? [[x, y]] : [];
      });
      const values = new Set(pairs.map(([x]) => String(x)));
      if (pairs.length < MIN_RUNS || values.size < 2) {
        return [];
      }
      const value = isNumeric(runs, column)
        ? Math.abs(
            correlation(
              ranks(pairs.map(([x]) => Number(x))),
              ranks(pairs.map(([, y]) => y))
            )
          )
        : correlationRatio(pairs.map(([x, y]) => [String(x), y]));
      return [{ column, value }];
    })
    .sort((one, other) => other.value - one.value);
}

/** The ranks of values; equal values share the mean of theirs. */
export function ranks(values: readonly number[]): number[] {
  const order = values
    .map((value, at) => ({ value, at }))
    .sort((one, other) => one.value - other.value);
  const result = new Array<number>(values.length);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && order[end].value === order[start].value) {
      end += 1;
    }
    for (let at = start; at < end; at += 1) {
      result[order[at].at] = (start + end - 1) / 2;
    }
    start = end;
  }
  return result;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const [x, y] = [mean(xs), mean(ys)];
  let [both, one, other] = [0, 0, 0];
  xs.forEach((value, at) => {
    both += (value - x) * (ys[at] - y);
    one += (value - x) ** 2;
    other += (ys[at] - y) ** 2;
  });
  return one === 0 || other === 0 ? 0 : both / Math.sqrt(one * other);
}

function correlationRatio(pairs: readonly [string, number][]): number {
  const groups = new Map<string, number[]>();
  for (const [name, value] of pairs) {
    groups.set(name, [...(groups.get(name) ?? []), value]);
  }
  const middle = mean(pairs.map(([, value]) => value));
  const whole = pairs.reduce(
    (sum, [, value]) => sum + (value - middle) ** 2,
    0
  );
  const between = [...groups.values()].reduce(
    (sum, values) => sum + values.length * (mean(values) - middle) ** 2,
    0
  );
  return whole === 0 ? 0 : Math.sqrt(between / whole);
}
