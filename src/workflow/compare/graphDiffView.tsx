import { ReactWidget } from '@jupyterlab/ui-components';
import {
  Handle,
  Position,
  ReactFlowProvider,
  useReactFlow,
  type Node,
  type NodeProps
} from '@xyflow/react';
import { memo, useMemo, useState } from 'react';

import { Empty } from '../../ui/controls';
import { setHelpPage } from '../../ui/helpLink';
import { trans } from '../../ui/locale';
import { MOVE, PlainGraph } from '../plainGraph';
import type { IGraphDiff } from '../graph/graphDiff';
import { differenceText } from '../labels';

type DiffNode = Node<{ id: string; words: string; kind: string }, 'diff'>;

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
  const cards = useMemo(() => cardsOf(diff), [diff]);
  const show = (id: string): void => {
    setSelected(id);
    void flow.fitView({ ...MOVE, nodes: [{ id }] });
  };
  return (
    <div className="jp-mlws-GraphDiff-body">
      <PlainGraph
        graph={diff.graph}
        nodeTypes={NODE_TYPES}
        type="diff"
        dataOf={id => cards.get(id)!}
        labelOf={id => `${id}: ${cards.get(id)!.words}`}
        height={60}
        selected={selected}
      />
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

/** The texts of the nodes. */
function cardsOf(diff: IGraphDiff): Map<string, DiffNode['data']> {
  const byId = new Map(diff.differences.map(one => [one.id, one]));
  return new Map(
    [...diff.graph.nodes.keys()].map(id => {
      const difference = byId.get(id);
      const words = difference
        ? differenceText(difference)
        : trans.__('Unchanged');
      return [id, { id, words, kind: difference?.kind ?? 'same' }];
    })
  );
}
