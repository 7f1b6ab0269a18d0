import type { NodeHandle, Position } from '@xyflow/react';

import type { IGraphNode, IGraphPort } from './graph';

/** A place on the canvas, in its own pixels. */
export interface IPlace {
  x: number;
  y: number;
}

// As the style sheet draws a node; the borders are in the width and in the heights.
export const NODE_WIDTH = 160;
export const HEAD_HEIGHT = 60;
export const PORT_HEIGHT = 20;
/** The first port begins below the upper border and the title. */
const PORTS_TOP = 33;
/** The middle of a handle stands so far within the node's edge. */
const HANDLE_INSET = 1;
const HANDLE_SIZE = 11;

/** How high a node is drawn, before the browser has measured it. */
export function nodeHeight(node: IGraphNode): number {
  return (
    HEAD_HEIGHT +
    PORT_HEIGHT * Math.max(1, node.inputs.length, node.outputs.length)
  );
}

/** The middle of a port's handle, from the upper left corner of its node. */
export function portPlace(side: 'in' | 'out', row: number): IPlace {
  return {
    x: side === 'in' ? HANDLE_INSET : NODE_WIDTH - HANDLE_INSET,
    y: PORTS_TOP + PORT_HEIGHT * (row + 0.5)
  };
}

/** The handles of a node, where the style sheet draws them. */
export function handlesOf(node: IGraphNode): NodeHandle[] {
  const handles = (
    ports: readonly IGraphPort[],
    side: 'in' | 'out'
  ): NodeHandle[] =>
    ports.map(({ name }, row) => {
      const { x, y } = portPlace(side, row);
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
