/** How the drawing looks at a zoom, and while a line is drawn. */

import {
  getViewportForBounds,
  useReactFlow,
  useStore,
  type Viewport
} from '@xyflow/react';
import { useEffect, useLayoutEffect, useRef } from 'react';

import { fittingEnds } from '../graph/choices';
import { boundsOf, type IBox } from '../graph/geometry';
import { memberEnd } from '../graph/groups';
import type { IEnd } from '../graph/graph';
import { isSameViewport, keepInView, type IView } from '../graph/viewport';
import type { IShape } from '../graph/wrapping';
import { useSlot } from '../store/hooks';
import type { CanvasModel } from '../store/model';
import { FIT, MIN_ZOOM } from './handle';
import { titleLetters } from './painting';
import type { AnyNode } from './nodeTypes';

/** Below it a card has its title, its state and its result only. */
const COMPACT_ZOOM = 0.7;
/** Below it there is room for a title alone; the state is a colored edge. */
const TINY_ZOOM = 0.35;
/** Zoom at which a graph opens whose titles would not fit if all of it were in view. */
const READABLE_ZOOM = 0.3;
/** Pixels between such a graph and the corner of the canvas. */
const MARGIN = 24;
/** The smallest type on the screen, in pixels. */
const SMALLEST_TYPE = 12;
/** Type changes its size at these zooms only: a style for all nodes takes time. */
const LEVELS = [
  1, 0.9, 0.8, 0.7, 0.65, 0.6, 0.55, 0.5, 0.46, 0.42, 0.38, 0.35, 0.3, 0.25, 0.2
];

function levelOf(zoom: number): number {
  return LEVELS.find(level => zoom >= level) ?? LEVELS[LEVELS.length - 1];
}

/** Keeps titles at 12 pixels or more, and cards compact from afar. */
export function useZoomLevel(pane: React.RefObject<HTMLElement>): void {
  const level = useStore(({ transform }) => levelOf(transform[2]));
  useLayoutEffect(() => {
    const { style, classList } = pane.current!;
    style.setProperty('--jp-mlws-type', `${SMALLEST_TYPE / level}px`);
    classList.toggle('jp-mod-compact', level < COMPACT_ZOOM);
    classList.toggle('jp-mod-tiny', level < TINY_ZOOM);
  }, [pane, level]);
}

/** Shows all of a new layout, which fills the room that there is. */
export function useShape(model: CanvasModel): void {
  const flow = useReactFlow();
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  useEffect(() => {
    if (width > 0) {
      model.drawing.setShape({ width, height });
    }
  }, [model, width, height]);
  useSlot(model.drawing.arranged, () =>
    // The nodes move with the next drawing.
    setTimeout(() => void flow.fitView(FIT), 50)
  );
}

/**
 * Keeps what is in view in view when the canvas changes its size, as when the results open below it.
 *
 * A graph that was fitted is fitted again. Otherwise the part that was in view stays there, by a
 * move and, only if it has to be, by a smaller zoom; both are taken back with the size.
 */
export function useSteadyView(nodes: readonly AnyNode[]): void {
  const flow = useReactFlow();
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const size = useRef<IShape | null>(null);
  /** The view that the user chose, and the viewport that was made of it for another size. */
  const chosen = useRef<{ view: IView; result: IView['viewport'] } | null>(
    null
  );
  useEffect(() => {
    const before = size.current;
    size.current = { width, height };
    if (!before?.width || width === 0 || height === 0 || nodes.length === 0) {
      return;
    }
    const viewport = flow.getViewport();
    if (isSameViewport(viewport, fitted(nodes, before))) {
      chosen.current = null;
      void flow.setViewport(fitted(nodes, { width, height }));
      return;
    }
    if (!chosen.current || !isSameViewport(chosen.current.result, viewport)) {
      chosen.current = { view: { size: before, viewport }, result: viewport };
    }
    const result = keepInView(chosen.current.view, boxesOf(nodes), {
      width,
      height
    });
    chosen.current.result = result;
    if (!isSameViewport(result, viewport)) {
      void flow.setViewport(result);
    }
    // The nodes as they are when the size changes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [flow, width, height]);
}

/** The viewport with all nodes in it: from afar none is drawn one by one, not even at first. */
export function fitted(nodes: readonly AnyNode[], shape: IShape): Viewport {
  return getViewportForBounds(
    boundsOf(boxesOf(nodes))!,
    shape.width,
    shape.height,
    MIN_ZOOM,
    FIT.maxZoom,
    FIT.padding
  );
}

/** The viewport that a graph opens with: all of it, or its beginning if titles need the room. */
export function openingViewport(
  nodes: readonly AnyNode[],
  shape: IShape
): Viewport {
  const all = fitted(nodes, shape);
  if (titleLetters(all.zoom) > 0) {
    return all;
  }
  const { x, y } = boundsOf(boxesOf(nodes))!;
  return {
    x: MARGIN - x * READABLE_ZOOM,
    y: MARGIN - y * READABLE_ZOOM,
    zoom: READABLE_ZOOM
  };
}

function boxesOf(nodes: readonly AnyNode[]): IBox[] {
  return nodes.map(({ position, measured }) => ({
    ...position,
    width: measured?.width ?? 0,
    height: measured?.height ?? 0
  }));
}

/** Marks the ports that fit while a line is drawn; CSS lights them. */
export function useFittingPorts(
  pane: React.RefObject<HTMLElement>,
  model: CanvasModel
): void {
  const end = useStore(({ connection }) =>
    connection.inProgress && connection.fromHandle
      ? `${connection.fromHandle.type}\n${connection.fromHandle.nodeId}\n${connection.fromHandle.id ?? ''}`
      : null
  );
  useEffect(() => {
    const canvas = pane.current!;
    if (end === null) {
      return;
    }
    const [side, node, port] = end.split('\n');
    const from = memberEnd({ side: side as IEnd['side'], node, port });
    const ends = fittingEnds(model.drawing.graph, from);
    const handles = [
      ...canvas.querySelectorAll<HTMLElement>('[data-mlws-port]')
    ];
    handles.forEach(handle => {
      handle.dataset.mlwsFits = String(ends.has(handle.dataset.mlwsPort!));
    });
    canvas.classList.add('jp-mod-connecting');
    return () => {
      canvas.classList.remove('jp-mod-connecting');
      handles.forEach(handle => delete handle.dataset.mlwsFits);
    };
  }, [pane, model, end]);
}
