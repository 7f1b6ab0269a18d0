import '@xyflow/react/dist/style.css';

import { ReactWidget } from '@jupyterlab/ui-components';
import {
  Background,
  Controls,
  Handle,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Edge,
  type Node,
  type NodeProps
} from '@xyflow/react';
import { memo, useEffect, useMemo, useRef, useState } from 'react';

import { Empty } from '../../ui/controls';
import { setHelpPage } from '../../ui/helpLink';
import { flowLabels } from '../../ui/flowLabels';
import { trans } from '../../ui/locale';
import { MOVE_DURATION } from '../../ui/motion';
import { useTypeSize } from '../../ui/useTypeSize';
import { NODE_WIDTH } from '../graph/geometry';
import type { IGraphNode } from '../graph/graph';
import type { IGraphDiff } from '../graph/graphDiff';
import { placeNodes } from '../graph/layout';
import type { IShape } from '../graph/wrapping';
import { differenceText } from '../labels';

type DiffNode = Node<{ id: string; words: string; kind: string }, 'diff'>;

const FIT = { maxZoom: 1, padding: 0.1 };
const MOVE = { ...FIT, duration: MOVE_DURATION };

/** Two versions of a workflow as one graph, with the change of each node. */
export class GraphDiffView extends ReactWidget {
  constructor(
    private _diff: IGraphDiff,
    private _versions: { from: string; to: string }
  ) {
    super();
    this.addClass('jp-mlws-GraphDiff');
    this.addClass('jp-mlws-Workflow');
    setHelpPage(this, 'reference-canvas');
  }

  protected render(): JSX.Element {
    return (
      <ReactFlowProvider>
        <Comparison diff={this._diff} versions={this._versions} />
      </ReactFlowProvider>
    );
  }
}

function Comparison(props: {
  diff: IGraphDiff;
  versions: { from: string; to: string };
}): JSX.Element {
  const { diff, versions } = props;
  const flow = useReactFlow();
  const [selected, setSelected] = useState<string | null>(null);
  const labels = useMemo(() => flowLabels(), []);
  const pane = useRef<HTMLDivElement>(null);
  // The list takes its part of the width after the graph was first drawn.
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const nodes = useMemo(
    () => toNodes(diff, { width, height }),
    [diff, width, height]
  );
  const edges = useMemo(() => toEdges(diff, nodes), [diff, nodes]);
  useTypeSize(pane);
  useEffect(() => {
    void flow.fitView(FIT);
  }, [flow, nodes]);
  const show = (id: string): void => {
    setSelected(id);
    void flow.fitView({ ...MOVE, nodes: [{ id }] });
  };
  return (
    <div className="jp-mlws-GraphDiff-body">
      <div className="jp-mlws-Canvas" ref={pane}>
        <ReactFlow
          nodes={nodes.map(node => ({
            ...node,
            selected: node.id === selected
          }))}
          edges={edges}
          nodeTypes={NODE_TYPES}
          nodesDraggable={false}
          nodesConnectable={false}
          deleteKeyCode={null}
          fitView
          fitViewOptions={FIT}
          minZoom={0.05}
          ariaLabelConfig={labels}
          aria-label={trans.__('Workflow graph')}
        >
          <Background />
          <Controls showInteractive={false} fitViewOptions={MOVE} />
        </ReactFlow>
      </div>
      <div
        className="jp-mlws-Panel"
        role="region"
        aria-label={trans.__('Differences')}
      >
        <div className="jp-mlws-Panel-body">
          <h3>{trans.__('Differences')}</h3>
          <p>{trans.__('From %1 to %2', versions.from, versions.to)}</p>
          {diff.differences.length === 0 && (
            <Empty>{trans.__('No differences')}</Empty>
          )}
          <ul className="jp-mlws-Runs">
            {diff.differences.map(one => (
              <li key={one.id}>
                <button
                  className="jp-mlws-RunRow"
                  data-mlws-difference={one.id}
                  data-mlws-kind={one.kind}
                  aria-pressed={one.id === selected}
                  onClick={() => show(one.id)}
                >
                  <strong>{one.id}</strong> {differenceText(one)}
                </button>
              </li>
            ))}
          </ul>
        </div>
      </div>
    </div>
  );
}

const DiffNodeView = memo(({ data, selected }: NodeProps<DiffNode>) => (
  <div
    className={[
      'jp-mlws-Node',
      `jp-mod-${data.kind}`,
      selected ? 'jp-mod-selected' : ''
    ].join(' ')}
    data-mlws-diff-node={data.id}
    data-mlws-kind={data.kind}
  >
    <Handle type="target" position={Position.Left} isConnectable={false} />
    <div className="jp-mlws-Node-head" title={data.id}>
      <span className="jp-mlws-Node-title">{data.id}</span>
    </div>
    <div className="jp-mlws-Node-foot" title={data.words}>
      <span className="jp-mlws-Node-kind">{data.words}</span>
    </div>
    <Handle type="source" position={Position.Right} isConnectable={false} />
  </div>
));

const NODE_TYPES = { diff: DiffNodeView };

/** The nodes in rows that fill the room, each without the ports and the result that cards have. */
function toNodes(diff: IGraphDiff, shape: IShape): DiffNode[] {
  const cards = [...diff.graph.nodes].map(
    ([id, node]): [string, IGraphNode] => [
      id,
      { ...node, inputs: [], outputs: [] }
    ]
  );
  const graph = { ...diff.graph, nodes: new Map(cards) };
  const places = placeNodes(
    graph,
    new Map(),
    [],
    shape.width > 0 && shape.height > 0 ? shape : null
  );
  const byId = new Map(diff.differences.map(one => [one.id, one]));
  return cards.map(([id]) => {
    const difference = byId.get(id);
    const words = difference
      ? differenceText(difference)
      : trans.__('Unchanged');
    return {
      id,
      type: 'diff',
      position: places.get(id)!,
      initialWidth: NODE_WIDTH,
      initialHeight: 60,
      data: { id, words, kind: difference?.kind ?? 'same' },
      ariaLabel: `${id}: ${words}`
    };
  });
}

function toEdges({ graph }: IGraphDiff, nodes: readonly DiffNode[]): Edge[] {
  const x = new Map(nodes.map(({ id, position }) => [id, position.x]));
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
    type: x.get(pair.target)! > x.get(pair.source)! ? 'default' : 'smoothstep',
    ariaLabel: `${pair.source} → ${pair.target}`
  }));
}
