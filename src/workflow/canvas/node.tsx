import type { LabIcon } from '@jupyterlab/ui-components';
import type { Node, NodeProps } from '@xyflow/react';
import { memo, useCallback, useSyncExternalStore } from 'react';

import type { INodePlan, IProblem } from '../../api/models';
import { duration } from '../../ui/format';
import { trans } from '../../ui/locale';
import { runStatusLabel } from '../../ui/runStatus';
import type { IGraphNode } from '../graph/graph';
import { nodeMark } from '../graph/marks';
import { splitTitle } from '../graph/titles';
import type { Problem } from '../graph/validate';
import { helpPage, nodeText, planText, problemText } from '../labels';
import { faultIcon, MARK_ICONS, operationIcon } from '../operationIcons';
import { useCanvas } from '../context';
import { useElapsed, useKeyed } from '../hooks';
import type { INodeState } from '../store/run';
import { Ports } from './ports';
import { ChangeTag, ResultLine } from './result';

/** A node of the drawing as React Flow has it. */
export interface INodeData extends Record<string, unknown> {
  node: IGraphNode;
  title: string;
  settings: string;
  /** Length of the prefix that the title shares with another title. */
  shared: number;
  /** Names of the outputs that no node reads, one per line. */
  unread: string;
}

export type CanvasNode = Node<INodeData, 'mlws'>;

/** Card of a node with its ports; subscribes to the state of its node only. */
export const NodeView = memo(({ data, selected }: NodeProps<CanvasNode>) => {
  const { model } = useCanvas();
  const { node, title, settings, shared, unread } = data;
  const state = useKeyed(model.runs.current.nodes, node.id);
  const next = useKeyed(model.runs.plan, node.id);
  // During a run the plan is older than the states of the run.
  const plan = useIsRunning() && state ? undefined : next;
  const fault = useKeyed(model.drawing.faults, node.id);
  const kind = nodeText(node);
  const mark = nodeMark(state, plan);
  const Icon = operationIcon(node).react;
  return (
    <div
      className={[
        'jp-mlws-Node',
        selected ? 'jp-mod-selected' : '',
        node.stage.frozen ? 'jp-mod-frozen' : ''
      ].join(' ')}
      data-mlws-node={node.id}
      data-mlws-help={helpPage(node)}
      data-mlws-category={node.component?.group ?? node.kind}
      data-mlws-state={state?.status}
      data-mlws-plan={plan?.action}
      data-mlws-mark={fault ? 'fault' : mark}
      title={node.stage.description || node.id}
    >
      <div className="jp-mlws-Node-head">
        <span className="jp-mlws-Node-tile">
          <Icon tag="span" className="jp-mlws-Node-icon" />
        </span>
        <NodeTitle title={title} shared={shared}>
          {title !== node.id && (
            <span className="jp-mlws-Node-id"> {node.id}</span>
          )}
        </NodeTitle>
        {node.kind === 'sweep' && (
          <span className="jp-mlws-Node-count">
            ×{node.stage.variants.length}
          </span>
        )}
        <Mark state={state} plan={plan} fault={fault} />
      </div>
      <div
        className="jp-mlws-Node-kind"
        title={settings ? `${kind} · ${settings}` : kind}
      >
        {kind}
        {settings && ` · ${settings}`}
      </div>
      <Ports node={node} unread={unread} />
      <ResultLine node={node} state={state} />
      <ChangeTag node={node} />
    </div>
  );
});

/** Title of a card; of titles with a common prefix, the middle is cut if space is short. */
export function NodeTitle(props: {
  title: string;
  shared: number;
  children?: React.ReactNode;
}): JSX.Element {
  const [beginning, end] = splitTitle(props.title, props.shared);
  return end === '' ? (
    <span className="jp-mlws-Node-title">
      {beginning}
      {props.children}
    </span>
  ) : (
    <span className="jp-mlws-Node-title jp-mod-split">
      <span className="jp-mlws-Node-beginning">{beginning}</span>
      <span className="jp-mlws-Node-end">{end}</span>
      {props.children}
    </span>
  );
}

function useIsRunning(): boolean {
  const { runs } = useCanvas().model;
  const { changed } = runs.current;
  const subscribe = useCallback(
    (listener: () => void) => {
      changed.connect(listener);
      return () => void changed.disconnect(listener);
    },
    [changed]
  );
  return useSyncExternalStore(subscribe, () => runs.isRunning);
}

/** Icon of a node's state, with the reasons as a tooltip. */
function Mark(props: {
  state: INodeState | undefined;
  plan: INodePlan | undefined;
  fault: IProblem | Problem | undefined;
}): JSX.Element | null {
  const { state, plan, fault } = props;
  if (fault) {
    return <Sign icon={faultIcon} kind="fault" label={problemText(fault)} />;
  }
  const mark = nodeMark(state, plan);
  if (mark === null) {
    return null;
  }
  const isPlan = plan?.action === mark;
  const label =
    isPlan || !state
      ? planText(plan?.action ?? '')
      : runStatusLabel(state.status);
  const lines = isPlan
    ? [
        ...plan.reasons,
        ...(plan.environment ? [plan.environment] : []),
        ...(plan.action === 'run' && plan.estimate_seconds !== null
          ? [trans.__('Estimated time: %1', duration(plan.estimate_seconds))]
          : [])
      ]
    : [
        ...(state?.reasons ?? []),
        ...(state?.error ? [state.error.message] : [])
      ];
  return (
    <Sign
      icon={MARK_ICONS[mark]}
      kind="state"
      label={label}
      lines={lines}
      isWarning={isPlan && plan.environment !== null}
    >
      <Attempt count={state?.attempt ?? 0} />
    </Sign>
  );
}

/** Icon of a card's state; `lines` are below the label in the tooltip. */
export function Sign(props: {
  icon: LabIcon;
  kind: 'fault' | 'state';
  label: string;
  lines?: readonly string[];
  isWarning?: boolean;
  children?: React.ReactNode;
}): JSX.Element {
  const { icon: Icon, kind, label, lines = [], isWarning } = props;
  return (
    <span
      className={`jp-mlws-Node-${kind}`}
      role="img"
      aria-label={label}
      title={[label, ...lines].join('\n')}
      data-mlws-warning={isWarning || undefined}
    >
      {props.children}
      <Icon.react tag="span" className="jp-mlws-Node-mark" />
    </span>
  );
}

function Attempt({ count }: { count: number }): JSX.Element | null {
  return count > 1 ? (
    <span
      className="jp-mlws-Node-attempt"
      title={trans.__('Attempt %1', count)}
    >
      ↻{count}
    </span>
  ) : null;
}

export function StateBadge({ state }: { state: INodeState }): JSX.Element {
  const isRunning = state.status === 'RUNNING';
  const elapsed = useElapsed(state.started, isRunning);
  const seconds = isRunning ? elapsed : state.duration;
  const reasons = [
    ...state.reasons,
    ...(state.error ? [state.error.message] : [])
  ];
  return (
    <span
      className="jp-mlws-State"
      data-mlws-state={state.status}
      title={reasons.join('\n')}
    >
      {runStatusLabel(state.status)}
      {isRunning && state.progress !== null && (
        <span className="jp-mlws-State-time">
          {Math.round(state.progress * 100)}%
        </span>
      )}
      {seconds !== null && state.status !== 'CACHED' && (
        <span className="jp-mlws-State-time">{duration(seconds)}</span>
      )}
      <Attempt count={state.attempt} />
    </span>
  );
}
