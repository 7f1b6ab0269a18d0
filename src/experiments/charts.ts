import { runName } from '../ui/format';
import { IColumn, valueOf } from './compare';
import type { IExperimentRun } from '../api/models';

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
  const names = runs.map(run =>
    run.node ? `${runName(run)} · ${run.node}` : runName(run)
  );
  return new Map(
    runs.map((run, at) => {
      const isAlone = names.filter(name => name === names[at]).length === 1;
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

/** Each run as a line through its values, from the least to the greatest of each column. */
export function parallelSpec(
  runs: readonly IExperimentRun[],
  columns: readonly IColumn[],
  colours: IChartColours
) {
  const labels = runLabels(runs);
  const rows: object[] = [];
  const ends: object[] = [];
  for (const column of columns) {
    const scale = placesOf(runs, column);
    if (scale) {
      ends.push({ axis: column.name, least: scale.least, most: scale.most });
      for (const run of runs) {
        const place = scale.place(valueOf(run, column));
        if (place !== null) {
          const value = String(valueOf(run, column));
          rows.push({ run: labels.get(run), axis: column.name, place, value });
        }
      }
    }
  }
  const x = {
    field: 'axis',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelAngle: -20, labelPadding: 18, grid: true, domain: false }
  };
  const y = {
    field: 'place',
    type: 'quantitative',
    axis: null,
    scale: { domain: [0, 1] }
  };
  const edge = (value: number, field: string, baseline: string) => ({
    data: { values: ends },
    mark: { type: 'text', baseline, dy: value ? -4 : 4, color: colours.text },
    encoding: {
      x,
      y: { datum: value, type: 'quantitative' },
      text: { field, type: 'nominal' }
    }
  });
  return {
    ...frame(colours),
    height: 300,
    layer: [
      {
        data: { values: rows },
        mark: { type: 'line', point: true, strokeWidth: 2 },
        encoding: {
          x,
          y,
          color: { field: 'run', type: 'nominal', title: null },
          tooltip: ['run', 'axis', 'value'].map(field => ({
            field,
            type: 'nominal'
          }))
        }
      },
      edge(1, 'most', 'bottom'),
      edge(0, 'least', 'top')
    ]
  };
}

/** Positions of values between 0 and 1; null if the column has none. */
function placesOf(
  runs: readonly IExperimentRun[],
  column: IColumn
): {
  least: string;
  most: string;
  place: (value: unknown) => number | null;
} | null {
  const values = runs
    .map(run => valueOf(run, column))
    .filter(value => numberOf(value) !== null);
  if (values.length === 0) {
    return null;
  }
  if (isNumeric(runs, column)) {
    const numbers = values.map(value => Number(value));
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    return {
      least: short(least),
      most: short(most),
      place: value => {
        const number = numberOf(value);
        if (number === null || number === undefined) {
          return null;
        }
        return most === least ? 0.5 : (number - least) / (most - least);
      }
    };
  }
  const names = [...new Set(values.map(String))].sort();
  return {
    least: names[0],
    most: names[names.length - 1],
    place: value => {
      const at = names.indexOf(String(value));
      if (numberOf(value) === null || at < 0) {
        return null;
      }
      return names.length === 1 ? 0.5 : at / (names.length - 1);
    }
  };
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
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
