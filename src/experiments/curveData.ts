import type { ICurve } from '../api/models';

/** Curves of metrics as charts draw them: values of the horizontal axis, smoothing, limits, files. */

/** Values of the horizontal axis. */
export type Axis = 'step' | 'relative' | 'time';

export interface ICurveOptions {
  axis: Axis;
  /** Weight of the values before, from 0 (none) to 0.99. */
  smoothing: number;
  isLogarithmic: boolean;
  /** False to fit the axis to the middle 98 % of the values. */
  showsOutliers: boolean;
}

/** A curve with its label and color. */
export interface ILine {
  label: string;
  color: string;
  curve: ICurve;
}

/** The parts of values that are left out at each end of an axis without outliers. */
const OUTLIERS = 0.01;

/** Colors that differ clearly, on light and dark backgrounds. */
const COLORS = [
  '#3f83f8',
  '#f08a24',
  '#31a354',
  '#d6453d',
  '#9467bd',
  '#a0714f',
  '#e377c2',
  '#7f8c8d',
  '#b5a515',
  '#17a2b8'
];

export function colorOf(index: number): string {
  return COLORS[index % COLORS.length];
}

/** The horizontal values of a curve: steps, seconds since its first value, or since 1970. */
export function horizontal(
  { steps, times }: ICurve,
  axis: Axis
): readonly number[] {
  const [start = 0] = times;
  return axis === 'step'
    ? steps
    : axis === 'time'
      ? times
      : times.map(time => time - start);
}

/**
 * Smooths values by an exponential moving average without a bias to its start.
 *
 * Gaps stay gaps.
 */
export function smoothed(
  values: readonly (number | null)[],
  weight: number
): (number | null)[] {
  let sum = 0;
  let norm = 0;
  return values.map(value => {
    if (value === null) {
      return null;
    }
    sum = sum * weight + value * (1 - weight);
    norm = norm * weight + (1 - weight);
    return sum / norm;
  });
}

/** The least and the greatest of the values; of those in the middle without outliers. */
export function limits(
  lists: readonly (readonly (number | null)[])[],
  { isLogarithmic, showsOutliers }: ICurveOptions
): [number, number] | null {
  const values = lists
    .flatMap(list =>
      list.filter(
        (value): value is number =>
          value !== null && (!isLogarithmic || value > 0)
      )
    )
    .sort((one, other) => one - other);
  if (values.length === 0) {
    return null;
  }
  const cut = showsOutliers ? 0 : Math.floor(values.length * OUTLIERS);
  const [least, most] = [values[cut], values[values.length - 1 - cut]];
  if (isLogarithmic) {
    return least === most ? [least / 2, most * 2] : [least, most];
  }
  const margin = (most - least || Math.abs(most) || 1) * 0.05;
  return [least - margin, most + margin];
}

/** The columns of a chart: sorted horizontal values, and each line's value or undefined there. */
export function aligned(
  lines: readonly { x: readonly number[]; y: readonly (number | null)[] }[]
): [number[], ...(number | null | undefined)[][]] {
  const places = [...new Set(lines.flatMap(({ x }) => x))].sort(
    (one, other) => one - other
  );
  const index = new Map(places.map((place, at) => [place, at]));
  return [
    places,
    ...lines.map(({ x, y }) => {
      const column = new Array<number | null | undefined>(places.length).fill(
        undefined
      );
      // Of several values at one place the last counts.
      x.forEach((place, at) => (column[index.get(place)!] = y[at]));
      return column;
    })
  ];
}

/** Metrics by the part of their names before the last slash; those without one come first. */
export function groupsOf(names: readonly string[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const prefix = name.includes('/')
      ? name.slice(0, name.lastIndexOf('/'))
      : '';
    groups.set(prefix, [...(groups.get(prefix) ?? []), name]);
  }
  const rank = (prefix: string) =>
    prefix === '' ? 0 : prefix.startsWith('system') ? 2 : 1;
  return [...groups].sort(
    ([one], [other]) => rank(one) - rank(other) || one.localeCompare(other)
  );
}

/** The values as CSV, a row for each value. */
export function csvOf(metric: string, lines: readonly ILine[]): string {
  const quote = (text: string) =>
    /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  const rows = lines.flatMap(({ label, curve }) =>
    curve.steps.map((step, at) =>
      [
        quote(label),
        step,
        new Date(curve.times[at] * 1000).toISOString(),
        curve.values[at] ?? ''
      ].join(',')
    )
  );
  return [`run,step,time,${quote(metric)}`, ...rows, ''].join('\n');
}

/** A chart as a vector picture, with its axes and legend. */
export function svgOf(
  title: string,
  lines: readonly ILine[],
  options: ICurveOptions,
  colors: { text: string; grid: string; background: string }
): string {
  const [width, height, left, top, bottom] = [800, 420, 70, 36, 40];
  const escape = (text: string) =>
    text.replace(
      /[&<>"]/g,
      sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '&quot;'
    );
  const drawn = lines.map(({ curve, ...line }) => ({
    ...line,
    x: horizontal(curve, options.axis),
    y:
      options.smoothing > 0
        ? smoothed(curve.values, options.smoothing)
        : curve.values
  }));
  const places = drawn.flatMap(({ x }) => x);
  const range = limits(
    drawn.map(({ y }) => y),
    options
  );
  const parts: string[] = [];
  if (range && places.length > 0) {
    const scale = options.isLogarithmic ? Math.log10 : (value: number) => value;
    // Not by spreading: a call takes no million arguments.
    const first = places.reduce((one, other) => Math.min(one, other));
    const last = places.reduce((one, other) => Math.max(one, other));
    const [low, high] = range.map(scale);
    const across = (value: number) =>
      left + ((value - first) / (last - first || 1)) * (width - left - 20);
    const down = (value: number) =>
      height -
      bottom -
      ((scale(value) - low) / (high - low || 1)) * (height - top - bottom);
    for (let tick = 0; tick <= 4; tick += 1) {
      const value = low + ((high - low) * tick) / 4;
      const real = options.isLogarithmic ? 10 ** value : value;
      const y = down(real);
      parts.push(
        `<path d="M${left} ${y}H${width - 20}" stroke="${colors.grid}"/>`,
        `<text x="${left - 6}" y="${y + 4}" text-anchor="end">${Number(real.toPrecision(4))}</text>`
      );
      const place = first + ((last - first) * tick) / 4;
      const words =
        options.axis === 'time'
          ? new Date(place * 1000).toISOString().slice(5, 19)
          : Number(place.toPrecision(6));
      parts.push(
        `<text x="${across(place)}" y="${height - bottom + 18}" text-anchor="middle">${words}</text>`
      );
    }
    for (const { x, y, color } of drawn) {
      let path = '';
      let isGap = true;
      x.forEach((place, at) => {
        const value = y[at];
        if (value === null || (options.isLogarithmic && value <= 0)) {
          isGap = true;
          return;
        }
        path += `${isGap ? 'M' : 'L'}${across(place).toFixed(1)} ${down(value).toFixed(1)}`;
        isGap = false;
      });
      parts.push(
        `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>`
      );
    }
  }
  const legend = drawn.map(
    ({ label, color }, at) =>
      `<text x="${left + 10}" y="${top + 16 * (at + 1)}" fill="${color}">${escape(label)}</text>`
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="12" fill="${colors.text}">` +
    `<rect width="100%" height="100%" fill="${colors.background}"/>` +
    `<text x="${left}" y="20" font-size="14">${escape(title)}</text>` +
    `${parts.join('')}${legend.join('')}</svg>`
  );
}
