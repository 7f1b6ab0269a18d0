import '@xyflow/react/dist/style.css';

import {
  Background,
  Controls,
  ReactFlow,
  useReactFlow,
  useStore,
  type Edge,
  type Node,
  type NodeTypes
} from '@xyflow/react';
import { useEffect, useMemo, useRef } from 'react';

import { flowLabels } from '../ui/flowLabels';
import { trans } from '../ui/locale';
import { MOVE_DURATION } from '../ui/motion';
import { useTypeSize } from '../ui/useTypeSize';
import { NODE_WIDTH } from './graph/geometry';
import type { IGraph, IGraphNode } from './graph/graph';
import { placeNodes } from './graph/layout';
import type { IShape } from './graph/wrapping';

const FIT = { maxZoom: 1, padding: 0.1 };
export const MOVE = { ...FIT, duration: MOVE_DURATION };

/** A node without ports; its component draws `data`. */
type Card<T extends string> = Node<Record<string, unknown>, T>;

interface IProps<T extends string> {
  graph: IGraph;
  /** Components of the nodes, of which `type` is one. */
  nodeTypes: NodeTypes;
  type: T;
  dataOf: (id: string) => Record<string, unknown>;
  labelOf: (id: string) => string;
  /** Height of a node before it is measured. */
  height: number;
  selected?: string | null;
  /** False if the nodes have buttons of their own. */
  isFocusable?: boolean;
  onOpen?: (id: string) => void;
}

/** A read-only graph, placed in rows that fill the width; must be in a `ReactFlowProvider`. */
export function PlainGraph<T extends string>(props: IProps<T>): JSX.Element {
  const { graph, nodeTypes, selected, isFocusable = true, onOpen } = props;
  const flow = useReactFlow();
  const labels = useMemo(() => flowLabels(), []);
  const pane = useRef<HTMLDivElement>(null);
  // What is beside the graph takes its part of the width after the graph was first drawn.
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const places = useMemo(
    () => placesOf(graph, { width, height }),
    [graph, width, height]
  );
  const edges = useMemo(() => toEdges(graph, places), [graph, places]);
  useTypeSize(pane);
  useEffect(() => {
    void flow.fitView(FIT);
  }, [flow, places]);
  return (
    <div className="jp-mlws-Canvas jp-mlws-PlainGraph" ref={pane}>
      <ReactFlow
        nodes={[...graph.nodes.keys()].map((id): Card<T> => ({
          id,
          type: props.type,
          position: places.get(id)!,
          initialWidth: NODE_WIDTH,
          initialHeight: props.height,
          data: props.dataOf(id),
          ariaLabel: props.labelOf(id),
          selected: id === selected
        }))}
        edges={edges}
        nodeTypes={nodeTypes}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={isFocusable}
        edgesFocusable={isFocusable}
        deleteKeyCode={null}
        fitView
        fitViewOptions={FIT}
        minZoom={0.05}
        onNodeClick={(_, { id }) => onOpen?.(id)}
        ariaLabelConfig={labels}
        aria-label={trans.__('Workflow graph')}
      >
        <Background />
        <Controls showInteractive={false} fitViewOptions={MOVE} />
      </ReactFlow>
    </div>
  );
}

/** The places of the nodes, each without the ports and the result that cards have. */
function placesOf(graph: IGraph, shape: IShape) {
  const cards = [...graph.nodes].map(([id, node]): [string, IGraphNode] => [
    id,
    { ...node, inputs: [], outputs: [] }
  ]);
  return placeNodes(
    { ...graph, nodes: new Map(cards) },
    new Map(),
    [],
    shape.width > 0 && shape.height > 0 ? shape : null
  );
}

function toEdges(
  graph: IGraph,
  places: ReadonlyMap<string, { x: number }>
): Edge[] {
  const pairs = new Map(
    graph.edges.map(({ source, target }) => [
      `${source}>${target}`,
      { source, target }
    ])
  );
  return [...pairs].map(([id, pair]) => ({
    id,
    ...pair,
    // Between the rows if it leads to the next row.
    type:
      places.get(pair.target)!.x > places.get(pair.source)!.x
        ? 'default'
        : 'smoothstep',
    ariaLabel: `${pair.source} → ${pair.target}`
  }));
}
