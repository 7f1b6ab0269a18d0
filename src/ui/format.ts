/** Localized format of numbers, times and lists. */

import type { IExperimentRun } from '../api/models';
import { language, trans } from './locale';

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity]
];

/** "3 hours ago"; `time` is ISO 8601. */
export function relativeTime(time: string, now = Date.now()): string {
  let value = (Date.parse(time) - now) / 1000;
  if (!Number.isFinite(value)) {
    return time;
  }
  const format = new Intl.RelativeTimeFormat(language, {
    numeric: 'auto',
    style: 'short'
  });
  for (const [unit, next] of STEPS) {
    if (Math.abs(value) < next) {
      return format.format(Math.trunc(value), unit);
    }
    value /= next;
  }
  return time;
}

/** The full date and time; `time` is ISO 8601. */
export function fullTime(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? time
    : date.toLocaleString(language, {
        dateStyle: 'medium',
        timeStyle: 'medium'
      });
}

/** "12.3 MB"; steps of 1000, as file managers count. */
export function fileSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  const digits = step === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${units[step]}`;
}

/** "1.5 GiB"; steps of 1024, as limits of memory are written. */
export function memorySize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let step = 0;
  while (value >= 1024 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step < 2 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${units[step]}`;
}

/** Number of cores with significant digits: "2", "0.25", "0.02". */
export function cores(count: number): string {
  return count.toLocaleString(language, { maximumFractionDigits: 2 });
}

/** "1.4 s", "2:05 min", "1:02:05 h". */
export function duration(seconds: number): string {
  if (seconds < 60) {
    return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  }
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [
    Math.floor(whole / 3600),
    Math.floor((whole % 3600) / 60)
  ];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)} h`
    : `${minutes}:${two(whole % 60)} min`;
}

/** A parameter or metric in a table cell; numbers keep five digits that count. */
export function cellText(value: unknown): string {
  if (value === undefined || value === null) {
    return '–';
  }
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? String(value)
      : String(Number(value.toPrecision(5)));
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Formats a small number with three digits after the point, a large one with none. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && size < 0.0005
    ? value.toExponential(1)
    : value.toLocaleString(language, {
        maximumFractionDigits: size >= 1000 ? 0 : size >= 100 ? 1 : 3
      });
}

/** "a, b, c", with the separator of the language. */
export function listText(items: readonly string[]): string {
  return items.join(trans._p('list separator', ', '));
}

/** Returns the display name of a run: the folder of its workflow, or its name. */
export function runName(run: IExperimentRun & { name?: string }): string {
  const parts = (run.workflow ?? (run.name || run.run)).split('/');
  return parts.length > 1 ? parts[parts.length - 2] : parts[0];
}

/** The title of a run, which tells it from others; that of a node has the node's name. */
export function titleOf(run: IExperimentRun): string {
  return (
    run.title || (run.node ? `${runName(run)} · ${run.node}` : runName(run))
  );
}
