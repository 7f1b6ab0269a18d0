import { EdgeView } from './edge';
import { GroupView, type GroupNode } from './group';
import { NodeView, type CanvasNode } from './node';
import { FrameView, NoteView, type FrameNode, type NoteNode } from './noteView';
import { SourceView, type SourceNode } from './sourceView';

export type AnyNode =
  CanvasNode | GroupNode | NoteNode | FrameNode | SourceNode;

export const NODE_TYPES = {
  mlws: NodeView,
  subworkflow: GroupView,
  note: NoteView,
  frame: FrameView,
  source: SourceView
};

export const EDGE_TYPES = { default: EdgeView };
