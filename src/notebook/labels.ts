import { duration } from '../ui/format';
import type { ExecutionStatus, IExecution } from '../api/models';
import { trans } from '../ui/locale';

/** Label of an execution's state. */
export function stateLabel(state: ExecutionStatus): string {
  return {
    QUEUED: trans.__('Queued'),
    RUNNING: trans.__('Running'),
    SUCCESS: trans.__('Done'),
    ERROR: trans.__('Failed'),
    TIMEOUT: trans.__('Timed out'),
    CANCELLED: trans.__('Canceled'),
    LOST: trans.__('Outcome unknown')
  }[state];
}

/** Formats a duration in seconds. */
function span(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : duration(seconds);
}

/** Label of a cell's mark: its result and duration. */
export function markText(one: IExecution): string {
  const word = stateLabel(one.status);
  return one.duration === null
    ? word
    : trans.__('%1 in %2', word, span(one.duration));
}

/** The plain text of an output of nbformat. */
export function outputText(output: object): string {
  const { text, data, traceback } = output as {
    text?: string;
    data?: Record<string, string | string[] | undefined>;
    traceback?: string[];
  };
  const plain = [data?.['text/plain'] ?? []].flat().join('');
  const error = traceback?.join('\n').replace(/\x1b\[[\d;]*m/g, '');
  return text ?? `${error ?? plain}\n`;
}
