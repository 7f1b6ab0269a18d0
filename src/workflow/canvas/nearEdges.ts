import { useStore } from '@xyflow/react';
import { useMemo } from 'react';

import type { XYPosition } from '../graph/geometry';
import type { CanvasModel } from '../store/model';
import type { CanvasEdge } from './edge';

/** The part of a canvas around a view, as text: equal until the view leaves it. */
export type Area = string;

/** More than the size of a card: positions are those of upper left corners. */
const MARGIN = 300;

interface IView {
  /** x, y and zoom. */
  transform: readonly [number, number, number];
  width: number;
  height: number;
}

/** Returns the area of a view: two columns and two rows of a grid whose cells are larger than it. */
export function areaOf({ transform, width, height }: IView): Area {
  const [x, y, zoom] = transform;
  const scale = 2 ** Math.ceil(-Math.log2(zoom));
  const [cellWidth, cellHeight] = [width * scale, height * scale];
  const column = Math.floor(-x / zoom / cellWidth);
  const row = Math.floor(-y / zoom / cellHeight);
  return [column, row, cellWidth, cellHeight].join(' ');
}

/** Returns the edges that cross an area, and all edges of some nodes. */
export function edgesIn(
  area: Area,
  edges: CanvasEdge[],
  positions: ReadonlyMap<string, XYPosition>,
  always: ReadonlySet<string>
): CanvasEdge[] {
  const [column, row, width, height] = area.split(' ').map(Number);
  const isWithin = (
    one: number,
    other: number,
    cell: number,
    size: number
  ): boolean =>
    Math.max(one, other) > cell * size - MARGIN &&
    Math.min(one, other) < (cell + 2) * size + MARGIN;
  return edges.filter(({ source, target }) => {
    const [from, to] = [positions.get(source), positions.get(target)];
    return (
      !from ||
      !to ||
      always.has(source) ||
      always.has(target) ||
      (isWithin(from.x, to.x, column, width) &&
        isWithin(from.y, to.y, row, height))
    );
  });
}

/** Visible and nearby edges of a large graph: React Flow visits each at every pan. */
export function useNearEdges(
  model: CanvasModel,
  edges: CanvasEdge[],
  isMany: boolean
): CanvasEdge[] {
  const area = useStore(state =>
    isMany && state.width > 0 ? areaOf(state) : null
  );
  return useMemo(
    () =>
      area === null
        ? edges
        : // A node that is dragged takes its edges along.
          edgesIn(area, edges, model.drawing.positions, model.selection.ids),
    [model, edges, area]
  );
}
