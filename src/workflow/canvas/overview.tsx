import { useReactFlow, useStore, type Node } from '@xyflow/react';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState
} from 'react';

import { trans } from '../../ui/locale';
import type { AnyNode } from './nodeTypes';
import { useTheme } from '../../ui/useTheme';
import { useCanvas } from '../context';
import type { CanvasModel } from '../store/model';
import { paint, type IColours, type IPictureNode } from './painting';
import { edgeEnds, NODE_WIDTH, type XYPosition } from '../graph/geometry';
import { nodeMark, type NodeMark } from '../graph/marks';

/** Number of selected nodes that are still rendered as elements; more are only painted. */
const MAX_SELECTED_ELEMENTS = 20;

/** The topmost node at a place. */
export function nodeAt(
  nodes: readonly AnyNode[],
  { x, y }: XYPosition
): string | null {
  for (let index = nodes.length - 1; index >= 0; index -= 1) {
    const { id, type, position, measured } = nodes[index];
    if (
      type === 'mlws' &&
      position.x <= x &&
      x <= position.x + NODE_WIDTH &&
      position.y <= y &&
      y <= position.y + (measured?.height ?? 0)
    ) {
      return id;
    }
  }
  return null;
}

interface IFewer {
  visible: AnyNode[];
  /** The node below the pointer. */
  attend: (node: string | null) => void;
  events: Pick<React.DOMAttributes<HTMLElement>, 'onFocus' | 'onBlur'>;
}

/**
 * At low zoom, renders only the hovered, focused and selected nodes, frames and notes as elements.
 * The rest is painted.
 */
export function useFewer(
  model: CanvasModel,
  nodes: AnyNode[],
  isOverview: boolean
): IFewer {
  const [pointerNode, attend] = useState<string | null>(null);
  const [focusNode, setFocusNode] = useState<string | null>(null);
  const from = useStore(({ connection }) => connection.fromNode?.id);
  const hidden = useRef(new WeakMap<AnyNode, AnyNode>());
  const visible = useMemo(() => {
    if (!isOverview) {
      return nodes;
    }
    const { ids } = model.selection;
    const isAttended = (node: Node): boolean =>
      node.id === pointerNode ||
      node.id === focusNode ||
      node.id === from ||
      node.dragging === true ||
      (node.selected === true && ids.size <= MAX_SELECTED_ELEMENTS);
    return nodes.map(node => {
      if (node.type !== 'mlws' || isAttended(node)) {
        return node;
      }
      const twin = hidden.current.get(node) ?? { ...node, hidden: true };
      hidden.current.set(node, twin);
      return twin;
    });
  }, [model, nodes, isOverview, pointerNode, focusNode, from]);
  const events = useMemo(
    () => ({
      onFocus: ({ target }: React.FocusEvent) => {
        const node = target.closest<HTMLElement>('.react-flow__node');
        setFocusNode(node?.dataset.id ?? null);
      },
      onBlur: () => setFocusNode(null)
    }),
    []
  );
  return { visible, attend, events };
}

/** Picture of a large graph at low zoom, in place of thousands of elements. */
export function Overview({
  nodes
}: {
  nodes: readonly AnyNode[];
}): JSX.Element {
  const { model } = useCanvas();
  const { drawn } = model.drawing;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [x, y, zoom] = useStore(state => state.transform);
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const { colours, boxes } = usePicture(canvas, nodes);
  const edges = useMemo(() => {
    const corners = new Map(nodes.map(({ id, position }) => [id, position]));
    return edgeEnds(drawn, id => corners.get(id));
  }, [drawn, nodes]);
  useBand(model, nodes);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context && colours) {
      const view = { x, y, zoom, width, height };
      paint(context, boxes, edges, view, colours);
    }
  }, [boxes, edges, x, y, zoom, width, height, colours]);
  return (
    <canvas
      ref={canvas}
      className="jp-mlws-Overview"
      width={width}
      height={height}
      role="img"
      aria-label={trans.__(
        '%1 nodes. Zoom in for details, or use the tree view.',
        drawn.nodes.size
      )}
      data-mlws-nodes={boxes.length}
    />
  );
}

/** The nodes as they are painted within an element, and the theme's colors. */
export function usePicture(
  within: React.RefObject<HTMLElement>,
  nodes: readonly AnyNode[]
): { colours: IColours | undefined; boxes: readonly IPictureNode[] } {
  const { model } = useCanvas();
  const palette = useColours(within);
  const changes = useChanges(model);
  const boxes = useMemo(
    () => (palette ? pictureNodes(model, nodes, palette) : []),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [model, nodes, palette, changes]
  );
  return { colours: palette?.theme, boxes };
}

/** Counts the frames in which a node's state, plan or faults changed. */
function useChanges(model: CanvasModel): number {
  const [count, changed] = useReducer((before: number) => before + 1, 0);
  useEffect(() => {
    let frame = 0;
    const soon = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        changed();
      });
    };
    const stops = [model.runs.plan, model.drawing.faults].map(store =>
      store.subscribeAll(soon)
    );
    stops.push(model.runs.current.nodes.subscribeAll(soon));
    return () => {
      stops.forEach(stop => stop());
      cancelAnimationFrame(frame);
    };
  }, [model]);
  return count;
}

interface IPalette {
  theme: IColours;
  marks: Record<NodeMark, string>;
}

/** The theme's colors, read again when the theme changes. */
function useColours(within: React.RefObject<HTMLElement>): IPalette | null {
  const { themes } = useCanvas();
  const [colours, setColours] = useState<IPalette | null>(null);
  const read = useCallback((): void => {
    if (within.current) {
      const style = getComputedStyle(within.current);
      setColours(paletteOf(name => style.getPropertyValue(`--jp-${name}`)));
    }
  }, [within]);
  useLayoutEffect(read, [read]);
  useTheme(themes, read);
  return colours;
}

function paletteOf(colour: (name: string) => string): IPalette {
  return {
    theme: {
      ground: colour('layout-color1'),
      border: colour('border-color1'),
      text: colour('ui-font-color1'),
      edge: colour('ui-font-color3'),
      brand: colour('brand-color1'),
      error: colour('error-color1')
    },
    marks: {
      running: colour('mlws-running'),
      waiting: colour('mlws-queued'),
      failed: colour('mlws-failed'),
      run: colour('warn-color1'),
      restorable: colour('info-color1'),
      cached: colour('mlws-completed'),
      frozen: colour('ui-font-color3'),
      stopped: colour('mlws-stopped')
    }
  };
}

function pictureNodes(
  model: CanvasModel,
  nodes: readonly AnyNode[],
  { marks }: IPalette
): IPictureNode[] {
  return nodes.flatMap(({ id, type, position, measured, selected, data }) => {
    if (type !== 'mlws' || !('node' in data)) {
      return [];
    }
    const state = model.runs.current.nodes.get(id);
    const isInRun = model.runs.isRunning && state !== undefined;
    const mark = nodeMark(state, isInRun ? undefined : model.runs.plan.get(id));
    return [
      {
        x: position.x,
        y: position.y,
        height: measured?.height ?? 0,
        title: data.node.title,
        shared: data.shared,
        state: mark && marks[mark],
        isSelected: selected === true,
        isFaulty: model.drawing.faults.get(id) !== undefined
      }
    ];
  });
}

/** Selection of painted nodes with Shift; React Flow selects only rendered nodes. */
function useBand(model: CanvasModel, nodes: readonly AnyNode[]): void {
  const flow = useReactFlow();
  const band = useStore(state => state.userSelectionRect);
  const inside = useCallback(
    ({ x, y, width, height }: NonNullable<typeof band>): string[] => {
      const view = flow.getViewport();
      const left = (x - view.x) / view.zoom;
      const top = (y - view.y) / view.zoom;
      const right = left + width / view.zoom;
      const bottom = top + height / view.zoom;
      return nodes
        .filter(
          ({ type, position, measured }) =>
            type === 'mlws' &&
            position.x >= left &&
            position.x + NODE_WIDTH <= right &&
            position.y >= top &&
            position.y + (measured?.height ?? 0) <= bottom
        )
        .map(({ id }) => id);
    },
    [flow, nodes]
  );
  const latest = useRef(inside);
  latest.current = inside;
  useEffect(() => {
    if (band && band.width > 0 && band.height > 0) {
      model.selection.select(latest.current(band));
    }
  }, [model, band]);
}
