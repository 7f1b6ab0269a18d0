import { BaseEdge, type EdgeProps } from '@xyflow/react';
import { memo } from 'react';

import { edgePath } from '../graph/geometry';
import { NodeView, type CanvasNode } from './node';
import { FrameView, NoteView, type FrameNode, type NoteNode } from './noteView';
import { SourceView, type SourceNode } from './sourceView';

export type AnyNode = CanvasNode | NoteNode | FrameNode | SourceNode;

export const NODE_TYPES = {
  mlws: NodeView,
  note: NoteView,
  frame: FrameView,
  source: SourceView
};

/** An edge as the exported image has it. */
const EdgeView = memo((props: EdgeProps) => {
  const { sourceX, sourceY, targetX, targetY, interactionWidth } = props;
  const path = edgePath({
    from: { x: sourceX, y: sourceY },
    to: { x: targetX, y: targetY }
  });
  return <BaseEdge path={path} interactionWidth={interactionWidth} />;
});

export const EDGE_TYPES = { default: EdgeView };
