import type { NodeChange } from '@xyflow/react';

import type { AnyNode } from './nodeTypes';
import { frameBox, NODE_WIDTH, type IBox } from '../graph/geometry';
import type { CanvasModel } from '../store/model';
import { type IFrame, itemOf } from '../document/notes';
import type { FrameNode } from './noteView';

/** Draws the frames around their nodes, wherever these stand. */
export function withFrames(
  model: CanvasModel,
  nodes: readonly AnyNode[]
): AnyNode[] {
  const known = new Map(nodes.map(node => [node.id, node]));
  const frames = model.drawing.frames.flatMap(
    ({ title, nodes: members }, index) => {
      const id = `frames:${index}`;
      const box = frameBox(
        members.flatMap(member => known.get(member) ?? []).map(boxOf)
      );
      const old = known.get(id) as FrameNode | undefined;
      return box
        ? [frameNode(id, index, title, box, model.selection.ids.has(id), old)]
        : [];
    }
  );
  return [...frames, ...nodes.filter(node => node.type !== 'frame')];
}

function boxOf({ position, measured, initialHeight }: AnyNode): IBox {
  return {
    ...position,
    width: measured?.width ?? NODE_WIDTH,
    height: measured?.height ?? initialHeight ?? 0
  };
}

function frameNode(
  id: string,
  index: number,
  title: string,
  { x, y, width, height }: IBox,
  selected: boolean,
  old: FrameNode | undefined
): FrameNode {
  const isSame =
    old?.data.title === title &&
    old.selected === selected &&
    old.position.x === x &&
    old.position.y === y &&
    old.width === width &&
    old.height === height;
  return isSame
    ? old
    : {
        ...old,
        id,
        type: 'frame',
        position: { x, y },
        width,
        height,
        selected,
        connectable: false,
        // Behind the edges, also where it is selected, which adds a thousand.
        zIndex: -1001,
        data: { index, title },
        ariaLabel: title
      };
}

/** The nodes of a frame that moves move along; the frame follows them. */
export function carryMembers(
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
