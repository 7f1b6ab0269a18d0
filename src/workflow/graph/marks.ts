import type { INodePlan } from '../../api/models';

/** State of a node as shown by color, shape and text. */
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
 * Returns the mark of a node; null without a run or plan.
 *
 * During a run it is that of the run. Otherwise a failure stays until the node runs again, and the
 * plan has precedence over a past success: a node with changed settings is outdated.
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
