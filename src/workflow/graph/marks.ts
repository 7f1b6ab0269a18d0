import type { INodePlan } from '../../api/models';

/** The one thing that a node shows of its state, by color, shape and word. */
export type NodeMark =
  | 'running'
  | 'waiting'
  | 'failed'
  | 'run'
  | 'restorable'
  | 'cached'
  | 'frozen'
  | 'stopped';

/** All marks, in the order of a legend. */
export const NODE_MARKS: readonly NodeMark[] = [
  'running',
  'waiting',
  'failed',
  'run',
  'restorable',
  'cached',
  'frozen',
  'stopped'
];

/**
 * Returns the mark of a node; null where neither a run nor a plan says anything of it.
 *
 * During a run it is the run's. Otherwise a failure stays until the node runs again, and the plan
 * counts for more than a success of the past: a node with changed settings is not up to date.
 */
export function nodeMark(
  state: { status: string } | undefined,
  plan: Pick<INodePlan, 'action'> | undefined
): NodeMark | null {
  switch (state?.status) {
    case 'RUNNING':
      return 'running';
    case 'PENDING':
    case 'QUEUED':
      return 'waiting';
    case 'FAILED':
      return plan?.action === 'cached' ? 'cached' : 'failed';
  }
  if (plan) {
    return plan.action;
  }
  switch (state?.status) {
    case 'COMPLETED':
    case 'CACHED':
      return 'cached';
    case undefined:
      return null;
    default:
      return 'stopped';
  }
}
