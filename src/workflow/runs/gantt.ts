import { duration } from '../../ui/format';
import type { INodeState } from '../store/run';

/** Bar of a node's execution, in seconds since the run's first start. */
export interface IBar {
  id: string;
  status: string;
  start: number;
  length: number;
}

/**
 * The nodes that ran, by start time, and the total duration.
 *
 * `now` (milliseconds) is the end of the bars of running nodes; null if no node is running.
 */
export function bars(
  states: ReadonlyMap<string, INodeState>,
  now: number | null
): { bars: IBar[]; length: number } {
  const spans = [...states].flatMap(([id, state]) => {
    if (state.started === null) {
      return [];
    }
    const begin = Date.parse(state.started);
    const end = state.ended
      ? Date.parse(state.ended)
      : state.duration !== null
        ? begin + state.duration * 1000
        : Math.max(begin, now ?? begin);
    return [{ id, status: state.status, begin, end }];
  });
  const first = Math.min(...spans.map(span => span.begin));
  const last = Math.max(...spans.map(span => span.end));
  return {
    bars: spans
      .sort((one, other) => one.begin - other.begin)
      .map(({ id, status, begin, end }) => ({
        id,
        status,
        start: (begin - first) / 1000,
        length: (end - begin) / 1000
      })),
    length: spans.length > 0 ? Math.max((last - first) / 1000, 0.001) : 0
  };
}

/** A mark of an axis, precise enough for its step. */
export function tickText(seconds: number, step: number): string {
  if (step >= 1) {
    return duration(seconds).replace(/\.0 s$/, ' s');
  }
  const digits = Math.max(1, Math.ceil(-Math.log10(step || 1) - 1e-9));
  return `${seconds.toFixed(digits)} s`;
}

/** Round numbers of seconds for an axis of that length; about five. */
export function ticks(length: number): number[] {
  if (!(length > 0)) {
    return [];
  }
  const raw = length / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find(one => one * power >= raw)! * power;
  const count = Math.floor(length / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}
