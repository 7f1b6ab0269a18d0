/** Appearance of the drawing by zoom, and while an edge is drawn. */

import {
  getViewportForBounds,
  useReactFlow,
  useStore,
  type Viewport
} from '@xyflow/react';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'react';

import { fittingEnds } from '../graph/choices';
import { boundsOf, type IBox } from '../graph/geometry';
import { memberEnd } from '../graph/groups';
import type { IEnd } from '../graph/graph';
import {
  isSameViewport,
  keepInView,
  movedIntoView,
  type IView
} from '../graph/viewport';
import type { IShape } from '../graph/wrapping';
import { useTypeSize } from '../../ui/useTypeSize';
import { useSlot } from '../hooks';
import type { CanvasModel } from '../store/model';
import { FIT, MIN_ZOOM } from './handle';
import { hasTitles } from './painting';
import type { AnyNode } from './nodeTypes';

/** Below it a card has its title, its state and its result only. */
const COMPACT_ZOOM = 0.7;
/** Below it there is room for a title alone; the state is a colored edge. */
const TINY_ZOOM = 0.35;
/** Zoom at which a graph opens whose titles would not fit if all of it were in view. */
const READABLE_ZOOM = 0.3;
/** Pixels between such a graph and the corner of the canvas. */
const MARGIN = 24;
/** Keeps titles at 12 pixels or more, and cards compact at low zoom. */
export function useZoomLevel(pane: React.RefObject<HTMLElement>): void {
  const level = useTypeSize(pane);
  useLayoutEffect(() => {
    const { classList } = pane.current!;
    classList.toggle('jp-mod-compact', level < COMPACT_ZOOM);
    classList.toggle('jp-mod-tiny', level < TINY_ZOOM);
    classList.toggle('jp-mod-untitled', !hasTitles(level));
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

/** A view that the user chose, and the box around the corners of all nodes. */
export interface IKeptView extends IView {
  corners: IBox;
}

/** Stores the user's viewport across a reload of the page. */
export interface IViewMemory {
  /** Null for a graph that is to be fitted into its box. */
  initial: IKeptView | null;
  keep: (view: IKeptView | null) => void;
}

/**
 * Keeps the visible part in view when the canvas is resized, as when the results panel opens.
 *
 * A graph that was fitted is fitted again, with a new layout if that makes it larger and its file
 * has no positions. Otherwise the viewport is moved and, only if necessary, zoomed out; both are
 * reverted with the size. Returns the handler of moves, which stores the viewport of the user and
 * ignores the automatic changes.
 */
export function useSteadyView(
  model: CanvasModel,
  nodes: readonly AnyNode[],
  memory: IViewMemory,
  initial: Viewport | null,
  shape: IShape
): (event: unknown, viewport: Viewport) => void {
  const flow = useReactFlow();
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const size = useRef(initial && shape);
  /** The viewport that the user chose, and the viewport computed from it for the present size. */
  const chosen = useRef<{ view: IView; result: Viewport } | null>(
    initial && memory.initial && { view: memory.initial, result: initial }
  );
  const latest = useRef(nodes);
  latest.current = nodes;
  useEffect(() => {
    const before = size.current;
    if (width === 0 || height === 0) {
      return;
    }
    size.current = { width, height };
    const isSame = before?.width === width && before.height === height;
    if (!before || isSame || nodes.length === 0) {
      return;
    }
    const viewport = flow.getViewport();
    if (isSameViewport(viewport, fitted(nodes, before))) {
      chosen.current = null;
      if (!model.drawing.fillRoom()) {
        void flow.setViewport(fitted(nodes, { width, height }));
      }
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
  }, [flow, model, width, height]);
  return useCallback(
    (_, viewport) => {
      if (!size.current || latest.current.length === 0) {
        return;
      }
      if (isSameViewport(viewport, fitted(latest.current, size.current))) {
        memory.keep(null);
        return;
      }
      const { view, result } = chosen.current ?? {};
      memory.keep({
        ...(view && result && isSameViewport(viewport, result)
          ? view
          : { size: size.current, viewport }),
        corners: cornersOf(latest.current)
      });
    },
    [memory]
  );
}

/**
 * The stored viewport, adapted to the present size; null if the graph is to be fitted: the viewport
 * would be empty, or the layout has moved the nodes.
 */
export function restoredViewport(
  model: CanvasModel,
  view: IKeptView | null,
  nodes: readonly AnyNode[],
  size: IShape
): Viewport | null {
  const isMoved =
    model.drawing.isAutomatic &&
    !(view && isAlike(view.corners, cornersOf(nodes)));
  return view && !isMoved ? movedIntoView(view, boxesOf(nodes), size) : null;
}

/** Cards are lower before the components are known: the same layout is a little smaller then. */
function isAlike(one: IBox, other: IBox): boolean {
  const most = 0.25 * Math.max(one.width, one.height);
  return (['x', 'y', 'width', 'height'] as const).every(
    side => Math.abs(one[side] - other[side]) <= most
  );
}

/** The viewport with all nodes in it; at low zoom nodes are not rendered, not even at first. */
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
  if (hasTitles(all.zoom)) {
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
  return nodes.map(
    ({ position, measured, initialWidth = 0, initialHeight = 0 }) => ({
      ...position,
      width: measured?.width ?? initialWidth,
      height: measured?.height ?? initialHeight
    })
  );
}

function cornersOf(nodes: readonly AnyNode[]): IBox {
  return boundsOf(
    nodes.map(({ position }) => ({ ...position, width: 0, height: 0 }))
  )!;
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
