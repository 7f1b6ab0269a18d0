import {
  Handle,
  Position,
  ReactFlowProvider,
  type Node,
  type NodeProps
} from '@xyflow/react';
import { memo, useMemo } from 'react';

import { escapeId } from '../../api/client';
import type { IRun, IWorkflowResults } from '../../api/models';
import type { IRunGraphProps } from '../../lab/tokens';
import { Empty, Hint } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { Answer, Failures, useGet } from '../../ui/server';
import { useStatusNews } from '../../ui/useStatusNews';
import { PlainGraph } from '../plainGraph';
import { parse } from '../document/document';
import { buildGraph } from '../graph/graph';
import { nodeMark } from '../graph/marks';
import { errorText } from '../labels';
import { FINAL } from '../store/run';
import { runCards, type IRunCard } from './runCards';

type RunNode = Node<IRunCard & { id: string; title: string }, 'run'>;

/** The workflow of a run as the run read it, with what became of each node. */
export function RunGraph(props: IRunGraphProps): JSX.Element {
  const { client, workflow, run } = props;
  const path =
    `/workflows/${escapeId(workflow)}/runs/${encodeURIComponent(run)}` as const;
  const text = useGet(client, `${path}/text`);
  const state = useGet(client, path);
  const results = useGet(client, `${path}/results`);
  useStatusNews(
    client,
    state.data !== undefined && !FINAL.has(state.data.status),
    () => {
      state.refetch();
      results.refetch();
    }
  );
  return (
    <Answer of={text}>
      {read => (
        <Answer of={state}>
          {now => (
            <>
              <Failures of={[results]} />
              <Graph
                {...props}
                text={read.text}
                now={now}
                results={results.data}
              />
            </>
          )}
        </Answer>
      )}
    </Answer>
  );
}

function Graph(
  props: IRunGraphProps & {
    text: string;
    now: IRun;
    results: IWorkflowResults | undefined;
  }
): JSX.Element {
  const { text, workflow, now, results, onOpen } = props;
  const { document, error } = useMemo(
    () => parse(text, workflow),
    [text, workflow]
  );
  const graph = useMemo(
    () => (document ? buildGraph(document, new Map()) : null),
    [document]
  );
  if (error || !graph) {
    return (
      <Empty>
        {error
          ? trans.__('Line %1: %2', error.line, errorText(error))
          : trans.__('This workflow has no nodes.')}
      </Empty>
    );
  }
  const cards = runCards([...graph.nodes.keys()], now, results);
  const titleOf = (id: string) => graph.nodes.get(id)!.title;
  return (
    <>
      <Hint>{trans.__('Choose a node to see its log.')}</Hint>
      <div className="jp-mlws-Workflow jp-mlws-RunGraph">
        <ReactFlowProvider>
          <PlainGraph
            graph={graph}
            nodeTypes={NODE_TYPES}
            type="run"
            dataOf={id => ({ ...cards.get(id)!, id, title: titleOf(id) })}
            labelOf={id => `${titleOf(id)}: ${cards.get(id)!.state}`}
            height={80}
            isFocusable={false}
            onOpen={id => {
              const { log } = cards.get(id)!;
              if (log !== null) {
                onOpen(log);
              }
            }}
          />
        </ReactFlowProvider>
      </div>
    </>
  );
}

/** Its button has no action of its own: a click on any part of the node opens the log. */
const RunNodeView = memo(({ data }: NodeProps<RunNode>) => (
  <div
    className="jp-mlws-Node"
    data-mlws-node={data.id}
    data-mlws-mark={nodeMark(
      data.status === null ? undefined : { status: data.status },
      undefined
    )}
  >
    <Handle type="target" position={Position.Left} isConnectable={false} />
    <div className="jp-mlws-Node-head" title={data.id}>
      <span className="jp-mlws-Node-title">
        <button
          className="jp-mlws-Link"
          disabled={data.log === null}
          aria-label={[data.title, data.state, data.result]
            .filter(Boolean)
            .join(', ')}
        >
          {data.title}
        </button>
      </span>
    </div>
    <div className="jp-mlws-Node-foot">
      <span className="jp-mlws-State" data-mlws-state={data.status}>
        {data.state}
      </span>
    </div>
    <div className="jp-mlws-Node-foot" title={data.result}>
      {data.result}
    </div>
    <Handle type="source" position={Position.Right} isConnectable={false} />
  </div>
));

const NODE_TYPES = { run: RunNodeView };
