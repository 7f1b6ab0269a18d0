import type { Node, NodeProps } from '@xyflow/react';
import { memo, useCallback, useSyncExternalStore } from 'react';

import { trans } from '../../ui/locale';
import { runStatusLabel } from '../../ui/runStatus';
import { itemOf } from '../document/notes';
import type { IGraphNode } from '../graph/graph';
import { memberEnd } from '../graph/groups';
import { type NodeMark, nodeMark } from '../graph/marks';
import { planText, problemText } from '../labels';
import { faultIcon, MARK_ICONS, subworkflowIcon } from '../operationIcons';
import * as gestures from '../store/gestures';
import { useCanvas } from '../context';
import { useKeyed } from '../hooks';
import { useSource } from '../replies';
import { type INodeData, NodeTitle, Sign } from './node';
import { useEditing } from './noteView';
import { Ports } from './ports';
import { ResultLine } from './result';

export type GroupNode = Node<INodeData, 'subworkflow'>;

/** Marks by priority: a group shows the first that a member has. */
const MARKS_BY_PRIORITY: readonly NodeMark[] = [
  'failed',
  'running',
  'waiting',
  'run',
  'restorable',
  'stopped',
  'frozen',
  'cached'
];

interface IGroupState {
  mark: NodeMark | null;
  /** The nodes with that mark. */
  count: number;
  /** The node that the group's line is about. */
  main: string;
  /** The node with a problem. */
  faulty: string | null;
}

/** The combined state of a group's nodes. */
export function useGroupState({
  members = [],
  outputs
}: IGraphNode): IGroupState {
  const { model } = useCanvas();
  const key = members.join('\n');
  const { runs, drawing, results } = model;
  const subscribe = useCallback(
    (listener: () => void) => {
      const stores = [
        runs.current.nodes,
        runs.plan,
        drawing.faults,
        results.nodes
      ];
      const stops = key
        .split('\n')
        .flatMap(id => stores.map(store => store.subscribe(id, listener)));
      return () => stops.forEach(stop => stop());
    },
    [runs, drawing, results, key]
  );
  const last = outputs.length > 0 ? outputs[outputs.length - 1].name : '';
  // A text, which is the same as long as the state is.
  const snapshot = useSyncExternalStore(subscribe, () => {
    const marks = members.map(id => {
      const state = runs.current.nodes.get(id);
      return nodeMark(
        state,
        runs.isRunning && state ? undefined : runs.plan.get(id)
      );
    });
    const mark = MARKS_BY_PRIORITY.find(one => marks.includes(one)) ?? null;
    const isUrgent = mark === 'failed' || mark === 'running';
    const state: IGroupState = {
      mark,
      count: marks.filter(one => one === mark).length,
      main: isUrgent
        ? members[marks.indexOf(mark)]
        : memberEnd({ node: 'frames:', port: last }).node || members[0],
      faulty: members.find(id => drawing.faults.get(id)) ?? null
    };
    return JSON.stringify(state);
  });
  return JSON.parse(snapshot) as IGroupState;
}

/** A collapsed frame: a card with the ports that lead out of it, and the state of all its nodes. */
export const GroupView = memo(({ data, selected }: NodeProps<GroupNode>) => {
  const { model } = useCanvas();
  const { node, shared, unread } = data;
  const { mark, count, main, faulty } = useGroupState(node);
  const members = node.members!;
  const mainNode = model.drawing.graph.nodes.get(main);
  const state = useKeyed(model.runs.current.nodes, main);
  const title = node.title || trans.__('Frame');
  const { differs } = useSource(members);
  const { index } = itemOf(node.id)!;
  const { isEditing, field } = useEditing<HTMLInputElement>(
    node.id,
    node.title,
    text => gestures.setFrameTitle(model, index, text)
  );
  return (
    <div
      className={[
        'jp-mlws-Node jp-mod-group',
        selected ? 'jp-mod-selected' : ''
      ].join(' ')}
      data-mlws-node={node.id}
      data-mlws-category="group"
      data-mlws-mark={faulty !== null ? 'fault' : mark}
      title={`${title}\n${members.join(', ')}`}
    >
      <div className="jp-mlws-Node-head">
        <span className="jp-mlws-Node-tile">
          <subworkflowIcon.react tag="span" className="jp-mlws-Node-icon" />
        </span>
        {isEditing ? (
          <span className="jp-mlws-Node-title">
            <input {...field} aria-label={trans.__('Title')} />
          </span>
        ) : (
          <NodeTitle title={title} shared={shared} />
        )}
        <GroupMark node={node} />
      </div>
      <div className="jp-mlws-Node-kind">
        {trans._n('%1 node', '%1 nodes', members.length)}
        {mark !== null && count < members.length && (
          <> · {markText(mark, count)}</>
        )}
        {differs && (
          <span>
            {' · '}
            {trans.__('differs from its file')}
          </span>
        )}
        <button
          className="jp-mlws-Group-toggle nodrag nopan"
          title={trans.__('Expand')}
          aria-label={trans.__('Expand “%1”', title)}
          onClick={() => gestures.toggleCollapsed(model, index)}
        />
      </div>
      <Ports node={node} unread={unread} />
      {mainNode && <ResultLine node={mainNode} state={state} />}
    </div>
  );
});

function markText(mark: NodeMark, count: number): string {
  const statuses: Partial<Record<NodeMark, string>> = {
    running: 'RUNNING',
    failed: 'FAILED',
    waiting: 'PENDING',
    stopped: 'CANCELLED'
  };
  const status = statuses[mark];
  return `${status ? runStatusLabel(status) : planText(mark)} ${count}`;
}

/** The sign of a group's state. */
export function GroupMark({ node }: { node: IGraphNode }): JSX.Element | null {
  const { model } = useCanvas();
  const { mark, count, faulty } = useGroupState(node);
  const fault = useKeyed(model.drawing.faults, faulty ?? '');
  if (fault) {
    const text = `${faulty}: ${problemText(fault)}`;
    return <Sign icon={faultIcon} kind="fault" label={text} />;
  }
  return (
    mark && (
      <Sign
        icon={MARK_ICONS[mark]}
        kind="state"
        label={markText(mark, count)}
      />
    )
  );
}
