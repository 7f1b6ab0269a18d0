import type { Edge, NodeHandle, Position } from '@xyflow/react';

import type { IGraphNode, IGraphPort } from '../graph/graph';
import {
  HANDLE_SIZE,
  NODE_WIDTH,
  nodeHeight,
  portPosition
} from '../graph/geometry';
import { SOURCE_PORT, sourceEdge } from '../graph/sources';
import type { CanvasModel } from '../store/model';
import { withFrames } from './frames';
import type { CanvasNode } from './node';
import type { AnyNode } from './nodeTypes';
import type { NoteNode } from './noteView';
import type { SourceNode } from './sourceView';

/** React Flow's nodes of a model; what did not change since `before` keeps its object. */
export function toNodes(
  model: CanvasModel,
  before: readonly AnyNode[]
): AnyNode[] {
  const known = new Map(before.map(node => [node.id, node]));
  const nodes = [...model.drawing.graph.nodes.values()].map(node => {
    const old = known.get(node.id) as CanvasNode | undefined;
    const place = model.drawing.positions.get(node.id)!;
    const selected = model.selection.ids.has(node.id);
    // A node under the pointer stays there until it is let go.
    const position = old?.dragging ? old.position : place;
    const isSame =
      old?.data.node === node &&
      old.selected === selected &&
      old.position.x === position.x &&
      old.position.y === position.y;
    return isSame
      ? old
      : {
          ...old,
          id: node.id,
          type: 'mlws' as const,
          // What is known need not be measured: the drawing stands at once.
          initialWidth: NODE_WIDTH,
          initialHeight: nodeHeight(node),
          measured: { width: NODE_WIDTH, height: nodeHeight(node) },
          handles: handlesOf(node),
          position,
          selected,
          data: old?.data.node === node ? old.data : { node },
          ariaLabel: node.component
            ? `${node.title}, ${node.component.title}`
            : node.title
        };
  });
  const frames = before.filter(node => node.type === 'frame');
  return withFrames(model, [
    ...frames,
    ...nodes,
    ...toSources(model, known),
    ...toNotes(model, known)
  ]);
}

function toSources(
  model: CanvasModel,
  known: ReadonlyMap<string, AnyNode>
): SourceNode[] {
  return model.drawing.sources.map(source => {
    const { id, path } = source;
    const old = known.get(id) as SourceNode | undefined;
    const selected = model.selection.ids.has(id);
    const position = old?.dragging
      ? old.position
      : model.drawing.positions.get(id)!;
    const isSame =
      old !== undefined &&
      JSON.stringify(old.data.source) === JSON.stringify(source) &&
      old.selected === selected &&
      old.position.x === position.x &&
      old.position.y === position.y;
    return isSame
      ? old
      : {
          ...old,
          id,
          type: 'source' as const,
          initialWidth: NODE_WIDTH,
          initialHeight: 50,
          position,
          selected,
          data: { source },
          ariaLabel: path
        };
  });
}

function toNotes(
  model: CanvasModel,
  known: ReadonlyMap<string, AnyNode>
): NoteNode[] {
  return model.drawing.notes.map(({ text, at }, index) => {
    const id = `notes:${index}`;
    const old = known.get(id) as NoteNode | undefined;
    const selected = model.selection.ids.has(id);
    const position = old?.dragging ? old.position : { x: at[0], y: at[1] };
    const isSame =
      old?.data.text === text &&
      old.selected === selected &&
      old.position.x === position.x &&
      old.position.y === position.y;
    return isSame
      ? old
      : {
          ...old,
          id,
          type: 'note' as const,
          position,
          selected,
          connectable: false,
          data: { index, text },
          ariaLabel: text
        };
  });
}

/** React Flow's edges of a model; those of `before` keep their objects. */
export function toEdges(model: CanvasModel, before: readonly Edge[]): Edge[] {
  const known = new Map(before.map(edge => [edge.id, edge]));
  const sources = model.drawing.sources.flatMap(({ id, path, readers }) =>
    readers.map(({ node, port }) => {
      const key = sourceEdge(id, node, port);
      return (
        known.get(key) ?? {
          id: key,
          source: id,
          sourceHandle: SOURCE_PORT,
          target: node,
          targetHandle: port,
          ariaLabel: `${path} → ${node}`
        }
      );
    })
  );
  const edges = model.drawing.graph.edges.map(
    edge =>
      known.get(edge.id) ?? {
        id: edge.id,
        source: edge.source,
        sourceHandle: edge.sourcePort,
        target: edge.target,
        targetHandle: edge.targetPort,
        ariaLabel: `${edge.source} → ${edge.target}`
      }
  );
  return [...sources, ...edges];
}

/** The handles of a node, where the style sheet draws them. */
function handlesOf(node: IGraphNode): NodeHandle[] {
  const handles = (
    ports: readonly IGraphPort[],
    side: 'in' | 'out'
  ): NodeHandle[] =>
    ports.map(({ name }, row) => {
      const { x, y } = portPosition(side, row);
      return {
        id: name,
        type: side === 'in' ? 'target' : 'source',
        position: (side === 'in' ? 'left' : 'right') as Position,
        x: x - HANDLE_SIZE / 2,
        y: y - HANDLE_SIZE / 2,
        width: HANDLE_SIZE,
        height: HANDLE_SIZE
      };
    });
  return [...handles(node.inputs, 'in'), ...handles(node.outputs, 'out')];
}
