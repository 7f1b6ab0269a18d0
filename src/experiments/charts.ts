import { IColumn, valueOf } from './compare';
import type { IExperimentRun } from '../api/models';
import { titleOf } from '../ui/format';

/** Charts of runs, as Vega-Lite specifications. */

export interface IChartColours {
  text: string;
  grid: string;
  background: string;
}

/** Labels of runs: their names, with ids if several have the same name. */
export function runLabels(
  runs: readonly IExperimentRun[]
): Map<IExperimentRun, string> {
  const names = runs.map(titleOf);
  const counts = new Map<string, number>();
  names.forEach(name => counts.set(name, (counts.get(name) ?? 0) + 1));
  return new Map(
    runs.map((run, at) => {
      const isAlone = counts.get(names[at]) === 1;
      return [run, isAlone ? names[at] : `${names[at]} ${run.run}`];
    })
  );
}

/** Tests whether all existing values, and at least one, are numbers. */
export function isNumeric(
  runs: readonly IExperimentRun[],
  column: IColumn
): boolean {
  const values = runs
    .map(run => numberOf(valueOf(run, column)))
    .filter(value => value !== null);
  return values.length > 0 && values.every(value => value !== undefined);
}

/** Converts a value to a number, also from MLflow's text; null for none, undefined for others. */
export function numberOf(value: unknown): number | null | undefined {
  if (value === null || value === undefined || value === '') {
    return null;
  }
  const number = typeof value === 'boolean' ? NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** Each run as a point. */
export function scatterSpec(
  runs: readonly IExperimentRun[],
  x: IColumn,
  y: IColumn,
  colour: IColumn | null,
  colours: IChartColours
) {
  const labels = runLabels(runs);
  const axis = (column: IColumn, field: string) => ({
    field,
    type: isNumeric(runs, column) ? 'quantitative' : 'nominal',
    title: column.name,
    scale: { zero: false }
  });
  const cast = (column: IColumn) => {
    const isNumber = isNumeric(runs, column);
    return (run: IExperimentRun) => {
      const value = valueOf(run, column);
      return (isNumber ? numberOf(value) : value) ?? null;
    };
  };
  const [xOf, yOf] = [cast(x), cast(y)];
  const colourOf = colour
    ? cast(colour)
    : (run: IExperimentRun) => labels.get(run);
  const rows = runs.map(run => ({
    run: labels.get(run),
    x: xOf(run),
    y: yOf(run),
    colour: colourOf(run)
  }));
  return {
    ...frame(colours),
    height: 320,
    data: { values: rows },
    mark: { type: 'point', filled: true, size: 90 },
    encoding: {
      x: axis(x, 'x'),
      y: axis(y, 'y'),
      color: colour
        ? { ...axis(colour, 'colour'), scale: {} }
        : { field: 'colour', type: 'nominal', title: null },
      tooltip: [
        { field: 'run', type: 'nominal' },
        { field: 'x', title: x.name },
        { field: 'y', title: y.name },
        ...(colour ? [{ field: 'colour', title: colour.name }] : [])
      ]
    }
  };
}

/** Common configuration of all charts: theme colors and full width. */
function frame(colours: IChartColours): object {
  const { text, grid, background } = colours;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    width: 'container',
    autosize: { type: 'fit', contains: 'padding' },
    background,
    config: {
      view: { stroke: null },
      axis: {
        labelColor: text,
        titleColor: text,
        gridColor: grid,
        domainColor: grid,
        tickColor: grid
      },
      legend: { labelColor: text, titleColor: text, labelLimit: 320 }
    }
  };
}
