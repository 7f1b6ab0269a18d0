import type { IExperimentRun } from '../api/models';
import { isNumeric } from './charts';
import { valueOf, type IColumn } from './compare';
import { nameOf, type Brush, type IAxis } from './parallelData';

/** Scatter plots of each pair of some columns: the geometry of their cells. */

/** Columns of the matrix. */
export const MAX_COLUMNS = 5;
/** Space between the points and the frame of a cell, in pixels. */
const PADDING = 6;

/** The numeric ones of the columns, of which the first are shown until the user chooses. */
export function numericColumns(
  runs: readonly IExperimentRun[],
  columns: readonly IColumn[]
): IColumn[] {
  return columns.filter(one => isNumeric(runs, one));
}

/** A cell below the diagonal: the columns of its x and y axis. */
export interface ICell {
  x: IAxis;
  y: IAxis;
  /** Its left upper corner in pixels. */
  left: number;
  top: number;
}

/** The cells of a matrix whose cells have a `size` in pixels. */
export function cellsOf(axes: readonly IAxis[], size: number): ICell[] {
  return axes.flatMap((y, row) =>
    axes
      .slice(0, row)
      .map((x, column) => ({ x, y, left: column * size, top: row * size }))
  );
}

/** The position of a run in a cell; null without both values. */
export function pointOf(
  run: IExperimentRun,
  { x, y, left, top }: ICell,
  size: number
): [x: number, y: number] | null {
  const across = x.place(valueOf(run, x.column));
  const up = y.place(valueOf(run, y.column));
  const room = size - 2 * PADDING;
  return across === null || up === null
    ? null
    : [left + PADDING + across * room, top + size - PADDING - up * room];
}

/** The run nearest to a position, if one is within `reach` pixels. */
export function nearest(
  runs: readonly IExperimentRun[],
  cell: ICell,
  size: number,
  [x, y]: readonly [number, number],
  reach: number
): IExperimentRun | null {
  let best: IExperimentRun | null = null;
  let least = reach;
  for (const run of runs) {
    const point = pointOf(run, cell, size);
    const distance = point ? Math.hypot(point[0] - x, point[1] - y) : Infinity;
    if (distance <= least) {
      least = distance;
      best = run;
    }
  }
  return best;
}

/** The parts of both axes between two positions in a cell. */
export function brushesOf(
  { x, y, left, top }: ICell,
  size: number,
  from: readonly [number, number],
  to: readonly [number, number]
): [name: string, brush: Brush][] {
  const room = size - 2 * PADDING;
  const limit = (value: number) => Math.min(1, Math.max(0, value));
  const across = (value: number) => limit((value - left - PADDING) / room);
  const up = (value: number) => limit((top + size - PADDING - value) / room);
  const sorted = (one: number, other: number): Brush => [
    Math.min(one, other),
    Math.max(one, other)
  ];
  return [
    [nameOf(x.column), sorted(across(from[0]), across(to[0]))],
    [nameOf(y.column), sorted(up(from[1]), up(to[1]))]
  ];
}

/** The rectangle that brushes mark in a cell, in pixels; null without any. */
export function rectangleOf(
  { x, y, left, top }: ICell,
  size: number,
  brushes: ReadonlyMap<string, Brush>
): [x: number, y: number, width: number, height: number] | null {
  const across = brushes.get(nameOf(x.column));
  const up = brushes.get(nameOf(y.column));
  if (!across && !up) {
    return null;
  }
  const room = size - 2 * PADDING;
  const [fromX, toX] = across ?? [0, 1];
  const [fromY, toY] = up ?? [0, 1];
  return [
    left + PADDING + fromX * room,
    top + size - PADDING - toY * room,
    Math.max(2, (toX - fromX) * room),
    Math.max(2, (toY - fromY) * room)
  ];
}
