import {
  applyEdgeChanges,
  applyNodeChanges,
  type Edge,
  type EdgeChange,
  type NodeChange
} from '@xyflow/react';
import { useCallback, useEffect, useRef, useState } from 'react';

import { type IFrame, itemOf } from '../document/notes';
import type { XYPosition } from '../graph/geometry';
import type { CanvasModel } from '../store/model';
import { toEdges, toNodes, withFrames } from './nodes';
import type { AnyNode } from './nodeTypes';

/** How long the arrow keys must rest before a move is written, in milliseconds. */
const MOVE_REST = 400;
/** React Flow's nodes, kept in step with the model; what did not change keeps its object. */
export function useNodes(model: CanvasModel): {
  nodes: AnyNode[];
  onNodesChange: (changes: NodeChange<AnyNode>[]) => void;
} {
  const [nodes, setNodes] = useState<AnyNode[]>(() => toNodes(model, []));
  const moved = useRef(new Map<string, XYPosition>());
  const timer = useRef<ReturnType<typeof setTimeout>>();

  const commit = useCallback(() => {
    clearTimeout(timer.current);
    if (moved.current.size > 0) {
      const places = moved.current;
      moved.current = new Map();
      model.drawing.move(places);
    }
  }, [model]);

  useEffect(() => {
    const update = (): void => setNodes(before => toNodes(model, before));
    update();
    model.drawing.changed.connect(update);
    model.selection.changed.connect(update);
    model.document.flushing.connect(commit);
    return () => {
      commit();
      model.drawing.changed.disconnect(update);
      model.selection.changed.disconnect(update);
      model.document.flushing.disconnect(commit);
    };
  }, [model, commit]);

  const latest = useRef(nodes);
  latest.current = nodes;
  const onNodesChange = useCallback(
    (given: NodeChange<AnyNode>[]) => {
      const changes = carryMembers(model.drawing.frames, latest.current, given);
      setNodes(before => withFrames(model, applyNodeChanges(changes, before)));
      const picked = new Set(model.selection.ids);
      let isPicking = false;
      for (const change of changes) {
        if (change.type === 'position' && !change.dragging && change.position) {
          moved.current.set(change.id, change.position);
          clearTimeout(timer.current);
          timer.current = setTimeout(commit, MOVE_REST);
        } else if (change.type === 'select') {
          isPicking = true;
          if (change.selected) {
            picked.add(change.id);
          } else {
            picked.delete(change.id);
          }
        }
      }
      if (isPicking) {
        model.selection.select(picked);
      }
    },
    [model, commit]
  );
  return { nodes, onNodesChange };
}

/** React Flow's edges, kept in step with the model. */
export function useEdges(model: CanvasModel): {
  edges: Edge[];
  onEdgesChange: (changes: EdgeChange[]) => void;
} {
  const [edges, setEdges] = useState<Edge[]>(() => toEdges(model, []));
  useEffect(() => {
    const update = (): void => setEdges(before => toEdges(model, before));
    update();
    model.drawing.changed.connect(update);
    return () => {
      model.drawing.changed.disconnect(update);
    };
  }, [model]);
  const onEdgesChange = useCallback((changes: EdgeChange[]) => {
    setEdges(before => applyEdgeChanges(changes, before));
  }, []);
  useEffect(() => {
    model.selection.selectEdges(
      edges.filter(edge => edge.selected).map(edge => edge.id)
    );
  }, [model, edges]);
  return { edges, onEdgesChange };
}

/** The nodes of a frame that moves move along; the frame follows them. */
function carryMembers(
  frames: readonly IFrame[],
  nodes: readonly AnyNode[],
  changes: readonly NodeChange<AnyNode>[]
): NodeChange<AnyNode>[] {
  const isFrame = (change: NodeChange<AnyNode>): boolean =>
    change.type === 'position' && itemOf(change.id)?.list === 'frames';
  if (!changes.some(isFrame)) {
    return [...changes];
  }
  const known = new Map(nodes.map(node => [node.id, node]));
  const rest = changes.filter(change => !isFrame(change));
  const moved = new Set(
    rest.flatMap(change => (change.type === 'position' ? [change.id] : []))
  );
  const carried = changes.filter(isFrame).flatMap(change => {
    const frame = 'id' in change ? known.get(change.id) : undefined;
    if (!frame || change.type !== 'position') {
      return [];
    }
    const to = change.position ?? frame.position;
    const x = to.x - frame.position.x;
    const y = to.y - frame.position.y;
    return frames[itemOf(change.id)!.index].nodes
      .filter(id => known.has(id) && !moved.has(id))
      .map((id): NodeChange<AnyNode> => {
        const { position } = known.get(id)!;
        return {
          ...change,
          id,
          position: { x: position.x + x, y: position.y + y }
        };
      });
  });
  return [...rest, ...carried];
}
