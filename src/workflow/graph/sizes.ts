import type { IGraphNode } from './graph';

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
