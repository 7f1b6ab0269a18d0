import { EdgeView } from './edge';
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

export const EDGE_TYPES = { default: EdgeView };
