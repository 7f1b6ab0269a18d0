import { BaseEdge, type Edge, type EdgeProps } from '@xyflow/react';
import { memo } from 'react';

import { language } from '../../ui/locale';
import { edgePath, type XYPosition } from '../graph/geometry';
import { useCanvas } from '../context';
import { useKeyed } from '../hooks';

export type CanvasEdge = Edge<{
  /** Output of the edge's source node; null for a data source. */
  output: { node: string; port: string } | null;
  type: string | null;
  /** Position of the number of rows; null if the label is on a parallel edge. */
  rows: 'middle' | 'output' | null;
  /** Corners of a routed edge. */
  via: readonly XYPosition[];
}>;

/** From so far apart on, there is room for a number on a wire. */
const MIN_LABEL_DISTANCE = 44;

/** An edge as the exported image has it, with the rows of the table that it carries. */
export const EdgeView = memo((props: EdgeProps<CanvasEdge>) => {
  const { sourceX, sourceY, targetX, targetY, interactionWidth } = props;
  const { model } = useCanvas();
  const state = useKeyed(model.runs.current.nodes, props.target);
  const from = { x: sourceX, y: sourceY };
  const to = { x: targetX, y: targetY };
  const via = isRouteOf(props.data?.via ?? [], from, to) ? props.data!.via : [];
  return (
    <g
      className="jp-mlws-Edge"
      data-mlws-type={props.data?.type ?? ''}
      data-mlws-state={state?.status}
    >
      <BaseEdge
        path={edgePath({ from, to }, via)}
        interactionWidth={interactionWidth}
      />
      {props.data?.type === 'Table' && props.data.output && props.data.rows && (
        <Rows
          {...props.data.output}
          place={props.data.rows}
          from={from}
          to={to}
          via={via}
        />
      )}
    </g>
  );
});

/** False while a node of the edge is dragged elsewhere. */
function isRouteOf(
  via: readonly XYPosition[],
  from: XYPosition,
  to: XYPosition
): boolean {
  return (
    via.length > 0 &&
    Math.abs(via[0].y - from.y) < 1 &&
    Math.abs(via[via.length - 1].y - to.y) < 1 &&
    Math.abs(via[0].x - from.x) < 60 &&
    Math.abs(via[via.length - 1].x - to.x) < 60
  );
}

function Rows(props: {
  node: string;
  port: string;
  place: 'middle' | 'output';
  from: XYPosition;
  to: XYPosition;
  via: readonly XYPosition[];
}): JSX.Element | null {
  const { model } = useCanvas();
  const { node, port, place, from, to, via } = props;
  const outputs = useKeyed(model.results.nodes, node)?.outputs ?? [];
  const rows = outputs.find(output => output.port === port)?.rows ?? null;
  const isCorner = via.length > 2;
  if (rows === null || (!isCorner && to.x - from.x < MIN_LABEL_DISTANCE)) {
    return null;
  }
  const middle = isCorner
    ? { x: (via[1].x + via[2].x) / 2, y: via[1].y }
    : { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  return (
    <text
      className={`jp-mlws-Edge-rows jp-mod-${place}`}
      {...(place === 'output' ? from : middle)}
    >
      {rows.toLocaleString(language)}
    </text>
  );
}
