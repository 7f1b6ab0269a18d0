import { Handle, Position, type Node, type NodeProps } from '@xyflow/react';
import { memo } from 'react';

import { duration } from '../../ui/format';
import { runStatusLabel } from '../../ui/runStatus';
import type { INodePlan } from '../../api/models';
import type { IGraphNode, IGraphPort } from '../graph/graph';
import { useCanvas, useElapsed, useKeyed } from '../store/hooks';
import { KIND_ICONS } from '../icons';
import type { INodeState } from '../store/run';
import { kindText, nodeText, planText, portText, problemText } from '../labels';

export type CanvasNode = Node<{ node: IGraphNode }, 'mlws'>;

/** A node with its ports; what a run or the plan says of it is read apart, for it alone. */
export const NodeView = memo(({ data, selected }: NodeProps<CanvasNode>) => {
  const { model, trans } = useCanvas();
  const { node } = data;
  const state = useKeyed(model.runs.current.nodes, node.id);
  const plan = useKeyed(model.runs.plan, node.id);
  const fault = useKeyed(model.drawing.faults, node.id);
  const Icon = KIND_ICONS[node.kind].react;
  const subtitle = nodeText(node, trans);
  return (
    <div
      className={[
        'jp-mlws-Node',
        selected ? 'jp-mod-selected' : '',
        node.stage.frozen ? 'jp-mod-frozen' : ''
      ].join(' ')}
      data-mlws-node={node.id}
      data-mlws-state={state?.status}
      data-mlws-plan={plan?.action}
    >
      {plan && <PlanStripe plan={plan} />}
      <div
        className="jp-mlws-Node-head"
        title={node.stage.description || subtitle}
        onDoubleClick={() => model.selection.requestRename()}
      >
        <Icon
          tag="span"
          className="jp-mlws-Node-icon"
          title={kindText(node.kind, trans)}
        />
        <span className="jp-mlws-Node-title">{node.title}</span>
        {fault && (
          <span
            className="jp-mlws-Node-fault"
            role="img"
            aria-label={problemText(fault, trans)}
            title={problemText(fault, trans)}
          >
            !
          </span>
        )}
      </div>
      <Ports node={node} />
      {state?.status === 'RUNNING' && state.progress !== null && (
        <ProgressBar share={state.progress} />
      )}
      <div className="jp-mlws-Node-foot">
        {state ? (
          <StateBadge state={state} />
        ) : (
          <span className="jp-mlws-Node-kind">{subtitle}</span>
        )}
        {node.kind === 'sweep' && (
          <span className="jp-mlws-Node-kind">
            ×{node.stage.variants.length}
          </span>
        )}
      </div>
    </div>
  );
});

function PlanStripe({ plan }: { plan: INodePlan }): JSX.Element {
  const { trans } = useCanvas();
  const estimate =
    plan.action === 'run' && plan.estimate_seconds !== null
      ? [trans.__('Estimated time: %1', duration(plan.estimate_seconds))]
      : [];
  const lines = [planText(plan.action, trans), ...plan.reasons, ...estimate];
  return <div className="jp-mlws-Node-plan" title={lines.join('\n')} />;
}

function ProgressBar({ share }: { share: number }): JSX.Element {
  const { trans } = useCanvas();
  const percent = Math.round(share * 100);
  return (
    <div
      className="jp-mlws-Node-progress"
      role="progressbar"
      aria-label={trans.__('Progress')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}

export function StateBadge({ state }: { state: INodeState }): JSX.Element {
  const { trans } = useCanvas();
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
      {runStatusLabel(state.status, trans)}
      {isRunning && state.progress !== null && (
        <span className="jp-mlws-State-time">
          {Math.round(state.progress * 100)}%
        </span>
      )}
      {seconds !== null && state.status !== 'CACHED' && (
        <span className="jp-mlws-State-time">{duration(seconds)}</span>
      )}
      {state.attempt > 1 && (
        <span
          className="jp-mlws-Node-attempt"
          title={trans.__('Attempt %1', state.attempt)}
        >
          ↻{state.attempt}
        </span>
      )}
    </span>
  );
}

/** Inputs on the left and outputs on the right, row by row. */
function Ports({ node }: { node: IGraphNode }): JSX.Element {
  const count = Math.max(node.inputs.length, node.outputs.length);
  return (
    <div className="jp-mlws-Node-ports">
      {Array.from({ length: count }, (_, row) => (
        <div key={row} className="jp-mlws-Node-row">
          {node.inputs[row] && (
            <Port node={node.id} port={node.inputs[row]} side="in" />
          )}
          {node.outputs[row] && (
            <Port node={node.id} port={node.outputs[row]} side="out" />
          )}
        </div>
      ))}
    </div>
  );
}

function Port(props: {
  node: string;
  port: IGraphPort;
  side: 'in' | 'out';
}): JSX.Element {
  const { trans } = useCanvas();
  const { node, port, side } = props;
  const name = portText(port.name, trans);
  const type = port.type ?? trans.__('any file');
  const hint = [`${name}: ${type}`, port.description, ...port.paths]
    .filter(Boolean)
    .join('\n');
  return (
    <span className={`jp-mlws-Port jp-mod-${side}`} title={hint}>
      <Handle
        type={side === 'in' ? 'target' : 'source'}
        position={side === 'in' ? Position.Left : Position.Right}
        id={port.name}
        role="img"
        data-mlws-port={`${node}:${side}:${port.name}`}
        data-mlws-type={port.type ?? ''}
        aria-label={hint}
      />
      <span className="jp-mlws-Port-name">{name}</span>
    </span>
  );
}
