import type { IMetricChange } from '../../api/models';
import { language } from '../../ui/locale';

/** A value of the matrix, with its change since the run before. */
export interface IMatrixCell {
  value: number;
  /** Null if the previous run had no value, or the same. */
  delta: number | null;
  /** True if the change is for the better. */
  isBetter: boolean;
  /** True if no other model has a better value, and some have a worse one. */
  isBest: boolean;
  /** Limits of the 95 % confidence interval; null if unknown. */
  low: number | null;
  high: number | null;
}

/** A model, or a node whose metrics name no model. */
export interface IMatrixRow {
  node: string;
  model: string;
  cells: readonly (IMatrixCell | null)[];
}

export interface IMatrix {
  metrics: readonly string[];
  rows: readonly IMatrixRow[];
}

/** Arranges the metrics of a run as models by metrics. */
export function metricMatrix(both: readonly IMetricChange[]): IMatrix {
  // Metrics of the previous run only are left out.
  const changes = both.flatMap(({ value, ...change }) =>
    value === null ? [] : [{ ...change, value }]
  );
  const metrics = [...new Set(changes.map(one => one.metric))];
  const rows = new Map<string, { node: string; model: string }>();
  const values = new Map<string, (typeof changes)[number]>();
  for (const change of changes) {
    const { node, model } = change;
    const key = JSON.stringify([node, model]);
    rows.set(key, { node, model });
    values.set(JSON.stringify([key, change.metric]), change);
  }
  const best = new Map<string, number>();
  for (const metric of metrics) {
    const group = changes.filter(one => one.metric === metric);
    const numbers = group.map(one => one.value);
    if (new Set(numbers).size > 1) {
      const pick = group[0].mode === 'min' ? Math.min : Math.max;
      best.set(metric, pick(...numbers));
    }
  }
  return {
    metrics,
    rows: [...rows].map(([key, row]) => ({
      ...row,
      cells: metrics.map(metric => {
        const change = values.get(JSON.stringify([key, metric]));
        if (!change) {
          return null;
        }
        const { value, previous, mode, low, high } = change;
        const delta =
          previous === null || previous === value ? null : value - previous;
        return {
          value,
          delta,
          isBetter: delta !== null && delta > 0 !== (mode === 'min'),
          isBest: best.get(metric) === value,
          low,
          high
        };
      })
    }))
  };
}

/** Returns the best model by the first metric; null if there is none. */
export function bestModel(
  matrix: IMatrix
): { node: string; model: string; metric: string; cell: IMatrixCell } | null {
  const row = matrix.rows.find(({ cells }) => cells[0]?.isBest);
  const cell = row?.cells[0];
  return row && cell
    ? { node: row.node, model: row.model, metric: matrix.metrics[0], cell }
    : null;
}

/** Formats a number with four digits after the point; two for large numbers, none for integers. */
export function metricText(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.0005) {
    return value.toExponential(2);
  }
  const digits = Number.isInteger(value) && size > 1 ? 0 : size < 1000 ? 4 : 2;
  return value.toLocaleString(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits
  });
}

/** "▲0.018", "▼3"; significant digits only. */
export function deltaText(delta: number): string {
  const size = Number(Math.abs(delta).toPrecision(2));
  return `${delta > 0 ? '▲' : '▼'}${size}`;
}
