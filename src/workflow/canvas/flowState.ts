import {
  applyEdgeChanges,
  applyNodeChanges,
  type EdgeChange,
  type NodeChange
} from '@xyflow/react';
import { useCallback, useEffect, useRef, useState } from 'react';

import { type IFrame, itemOf } from '../document/notes';
import type { XYPosition } from '../graph/geometry';
import { useFlush, useSlot } from '../hooks';
import type { CanvasModel } from '../store/model';
import type { CanvasEdge } from './edge';
import { toEdges, toNodes, withFrames } from './nodes';
import type { AnyNode } from './nodeTypes';

/** Delay of the write after the last arrow key, in milliseconds. */
const WRITE_DELAY = 400;
/** Synchronizes React Flow's nodes with the model; unchanged nodes keep their object. */
export function useNodes(model: CanvasModel): {
  nodes: AnyNode[];
  onNodesChange: (changes: NodeChange<AnyNode>[]) => void;
} {
  const [nodes, setNodes] = useState<AnyNode[]>(() => toNodes(model, []));
  const positions = useRef(new Map<string, XYPosition>());
  const timer = useRef<ReturnType<typeof setTimeout>>();

  const commit = useCallback(() => {
    clearTimeout(timer.current);
    if (positions.current.size > 0) {
      const places = positions.current;
      positions.current = new Map();
      model.drawing.move(places);
    }
  }, [model]);

  const update = (): void => setNodes(before => toNodes(model, before));
  useSlot(model.drawing.changed, update);
  useSlot(model.selection.changed, update);
  useFlush(commit);
  useEffect(() => {
    update();
    return commit;
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [model]);

  const latest = useRef(nodes);
  latest.current = nodes;
  const onNodesChange = useCallback(
    (incoming: NodeChange<AnyNode>[]) => {
      const changes = carryMembers(
        model.drawing.frames,
        latest.current,
        incoming
      );
      setNodes(before => withFrames(model, applyNodeChanges(changes, before)));
      const selection = new Set(model.selection.ids);
      let isPicking = false;
      for (const change of changes) {
        if (change.type === 'position' && !change.dragging && change.position) {
          positions.current.set(change.id, change.position);
          clearTimeout(timer.current);
          timer.current = setTimeout(commit, WRITE_DELAY);
        } else if (change.type === 'select') {
          isPicking = true;
          if (change.selected) {
            selection.add(change.id);
          } else {
            selection.delete(change.id);
          }
        }
      }
      if (isPicking) {
        model.selection.select(selection);
      }
    },
    [model, commit]
  );
  return { nodes, onNodesChange };
}

/** Synchronizes React Flow's edges with the model. */
export function useEdges(model: CanvasModel): {
  edges: CanvasEdge[];
  onEdgesChange: (changes: EdgeChange<CanvasEdge>[]) => void;
} {
  const [edges, setEdges] = useState<CanvasEdge[]>(() => toEdges(model, []));
  const update = (): void => setEdges(before => toEdges(model, before));
  useSlot(model.drawing.changed, update);
  // The model may have changed since it was drawn first.
  useEffect(update, [model]);
  const onEdgesChange = useCallback((changes: EdgeChange<CanvasEdge>[]) => {
    setEdges(before => applyEdgeChanges(changes, before));
  }, []);
  // Rerendered edges keep their selection, which may have been made in the tree.
  const selected = JSON.stringify(
    edges.filter(edge => edge.selected).map(edge => edge.id)
  );
  useEffect(() => {
    model.selection.selectEdges(JSON.parse(selected) as string[]);
  }, [model, selected]);
  return { edges, onEdgesChange };
}

/** The nodes of a frame that moves move along; the frame follows them. */
function carryMembers(
  frames: readonly IFrame[],
  nodes: readonly AnyNode[],
  changes: readonly NodeChange<AnyNode>[]
): NodeChange<AnyNode>[] {
  const isFrame = (change: NodeChange<AnyNode>): boolean =>
    change.type === 'position' &&
    itemOf(change.id)?.list === 'frames' &&
    !frames[itemOf(change.id)!.index]?.isCollapsed;
  if (!changes.some(isFrame)) {
    return [...changes];
  }
  const byId = new Map(nodes.map(node => [node.id, node]));
  const rest = changes.filter(change => !isFrame(change));
  const ids = new Set(
    rest.flatMap(change => (change.type === 'position' ? [change.id] : []))
  );
  const members = changes.filter(isFrame).flatMap(change => {
    const frame = 'id' in change ? byId.get(change.id) : undefined;
    if (!frame || change.type !== 'position') {
      return [];
    }
    const to = change.position ?? frame.position;
    const x = to.x - frame.position.x;
    const y = to.y - frame.position.y;
    return frames[itemOf(change.id)!.index].nodes
      .filter(id => byId.has(id) && !ids.has(id))
      .map((id): NodeChange<AnyNode> => {
        const { position } = byId.get(id)!;
        return {
          ...change,
          id,
          position: { x: position.x + x, y: position.y + y }
        };
      });
  });
  return [...rest, ...members];
}
