import '@xyflow/react/dist/style.css';

import {
  Background,
  Controls,
  Handle,
  MarkerType,
  MiniMap,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  type Edge,
  type Node,
  type NodeProps
} from '@xyflow/react';
import { memo, useEffect, useMemo, useRef, type RefObject } from 'react';

import { flowLabels } from '../ui/flowLabels';
import { useHasSize, whenSized } from '../ui/useHasSize';
import { NODE_HEIGHT, NODE_WIDTH, positionsOf } from './layout';
import type { ILineage, ILineageNode } from '../api/models';
import { trans } from '../ui/locale';
import { kindIcons, kindLabel, relationLabel } from './labels';

type Thing = Node<{ node: ILineageNode; kind: string }, 'thing'>;

/** Returns the end of a path, which is the most specific; the title and the panel have it all. */
function shortLabel({ kind, label }: ILineageNode): string {
  const slash = label.lastIndexOf('/');
  return kind === 'dataset' && slash > 0 ? `…${label.slice(slash)}` : label;
}

const ThingView = memo(({ data, selected }: NodeProps<Thing>) => {
  const { node, kind } = data;
  const Icon = kindIcons[node.kind].react;
  return (
    <div
      className={`jp-mlws-Thing${selected ? ' jp-mod-selected' : ''}`}
      data-mlws-lineage={node.id}
      data-mlws-kind={node.kind}
      title={`${kind}: ${node.label}`}
      style={{ width: NODE_WIDTH, height: NODE_HEIGHT }}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Icon tag="span" className="jp-mlws-Row-icon" width="16px" />
      <span className="jp-mlws-Thing-text">
        <span className="jp-mlws-Thing-label">{shortLabel(node)}</span>
        <span className="jp-mlws-Run-fact">{kind}</span>
      </span>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
});

const NODE_TYPES = { thing: ThingView };
const FIT = { maxZoom: 1, padding: 0.08, duration: 200 };
const MINI_MAP = { width: 130, height: 90 };
/** Maximum number of nodes of a graph that is shown as a whole at first. */
const MAX_FIT_NODES = 12;
const LEGIBLE_ZOOM = 0.85;

interface IGraphProps {
  lineage: ILineage;
  selected: string | null;
  onSelect: (id: string) => void;
  /** Called on a double-click. */
  onOpen: (node: ILineageNode) => void;
}

function Pane(
  props: IGraphProps & { box: RefObject<HTMLElement> }
): JSX.Element {
  const { lineage, selected, box } = props;
  const flow = useReactFlow();
  const labels = useMemo(() => flowLabels(), []);
  const places = useMemo(() => positionsOf(lineage), [lineage]);
  const nodes: Thing[] = useMemo(
    () =>
      lineage.nodes.map(node => ({
        id: node.id,
        type: 'thing',
        position: places.get(node.id)!,
        width: NODE_WIDTH,
        height: NODE_HEIGHT,
        selected: node.id === selected,
        ariaLabel: `${kindLabel(node.kind)} ${node.label}`,
        data: { node, kind: kindLabel(node.kind) }
      })),
    [lineage, places, selected]
  );
  const edges: Edge[] = useMemo(
    () =>
      lineage.edges.map(({ source, target, relation }) => ({
        id: `${source} ${target}`,
        source,
        target,
        label: relationLabel(relation),
        focusable: false,
        markerEnd: { type: MarkerType.ArrowClosed }
      })),
    [lineage]
  );
  const count = lineage.nodes.length;
  useEffect(() => {
    const place = places.get(lineage.of);
    // A hidden tab has no size to fit into. Without an animation, whose frames divide by the size:
    // the tab may be hidden between two frames.
    return whenSized(box.current!, () => {
      if (count > MAX_FIT_NODES && place) {
        const [x, y] = [place.x + NODE_WIDTH / 2, place.y + NODE_HEIGHT / 2];
        void flow.setCenter(x, y, { zoom: LEGIBLE_ZOOM });
      } else {
        void flow.fitView({ ...FIT, duration: 0 });
      }
    });
    // Not when the same graph was only read again.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [flow, lineage.of, count]);
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      nodesDraggable={false}
      nodesConnectable={false}
      deleteKeyCode={null}
      minZoom={0.05}
      onNodeClick={(_, { id }) => props.onSelect(id)}
      onNodeDoubleClick={(_, { data }) => props.onOpen(data.node)}
      onNodesChange={changes => {
        for (const change of changes) {
          if (change.type === 'select' && change.selected) {
            props.onSelect(change.id);
          }
        }
      }}
      ariaLabelConfig={labels}
      aria-label={trans.__('Lineage')}
    >
      <Background />
      <Controls showInteractive={false} fitViewOptions={FIT} />
      <MiniMap style={MINI_MAP} pannable zoomable />
    </ReactFlow>
  );
}

export function LineageGraph(props: IGraphProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const hasSize = useHasSize(box);
  return (
    <div className="jp-mlws-Lineage-graph" ref={box}>
      {hasSize && (
        <ReactFlowProvider>
          <Pane {...props} box={box} />
        </ReactFlowProvider>
      )}
    </div>
  );
}
