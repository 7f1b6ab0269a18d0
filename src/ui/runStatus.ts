import { trans } from './locale';

/** Returns the label of a run's or a node's status; an unknown status stays as it is. */
export function runStatusLabel(status: string): string {
  const labels: Record<string, string> = {
    PENDING: trans.__('Pending'),
    QUEUED: trans.__('Queued'),
    RUNNING: trans.__('Running'),
    COMPLETED: trans.__('Completed'),
    CACHED: trans.__('Cached'),
    FAILED: trans.__('Failed'),
    SKIPPED: trans.__('Skipped'),
    CANCELLED: trans.__('Canceled'),
    INTERRUPTED: trans.__('Interrupted')
  };
  return labels[status] ?? status;
}

/** Returns the status as it is written within a sentence. */
export function runStatusText(status: string): string {
  const labels: Record<string, string> = {
    PENDING: trans.__('pending'),
    QUEUED: trans.__('queued'),
    RUNNING: trans.__('running'),
    COMPLETED: trans.__('completed'),
    CACHED: trans.__('cached'),
    FAILED: trans.__('failed'),
    SKIPPED: trans.__('skipped'),
    CANCELLED: trans.__('canceled'),
    INTERRUPTED: trans.__('interrupted')
  };
  return labels[status] ?? status;
}
