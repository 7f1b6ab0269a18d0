import { useReactFlow, useStoreApi } from '@xyflow/react';
import { useEffect, useMemo, useRef } from 'react';

import { type IClip, readClip } from '../document/clipboard';
import {
  NODE_WIDTH,
  nodeHeight,
  SOURCE_HEIGHT,
  type XYPosition
} from '../graph/geometry';
import { freePlace } from '../graph/layout';
import { TABLE_FILE } from '../graph/sources';
import { COLUMN_GAP } from '../graph/wrapping';
import * as clips from '../store/clips';
import * as gestures from '../store/gestures';
import { useCanvas } from '../context';
import { useSlot } from '../hooks';
import type { CanvasModel } from '../store/model';
import { MOVE_DURATION } from '../../ui/motion';
import { COMPONENT_MIME } from './palette';
import { inside } from './refusal';
import type { IRequest } from './requests';

/** Operations on the drawing for the commands and the palette. */
export interface IFlowHandle {
  fit(): void;
  /** The position for a new node: the center of the view. */
  centre(): XYPosition;
  /** A free place to the right of a node. */
  besides(node: string): XYPosition;
  focusNode(id: string): void;
  /** Opens the list of items to add, find or connect. */
  ask(kind: 'add' | 'find' | 'connect'): void;
  /** Files let go over the drawing; paths from the project's root, place in the window. */
  dropFiles(paths: readonly string[], x: number, y: number): void;
  copy(): void;
  cut(): void;
  paste(): Promise<void>;
  duplicate(): void;
  /** False if the text contains no nodes. */
  pasteText(text: string): boolean;
}

export const MIN_ZOOM = 0.05;
// Nodes that are only painted are hidden to React Flow.
export const FIT = {
  maxZoom: 1,
  // Wires go around the outermost nodes, and the buttons of the zoom are below them.
  padding: { x: '42px', top: '8px', bottom: '22px' } as const,
  duration: MOVE_DURATION,
  includeHiddenNodes: true
};
/** Gives the widget a hold of the drawing. */
export function useHandle(
  model: CanvasModel,
  pane: React.RefObject<HTMLDivElement>,
  pointer: React.RefObject<XYPosition | null>,
  request: (request: IRequest) => void,
  onReady: (handle: IFlowHandle) => void
): IFlowHandle {
  const flow = useReactFlow();
  const handle = useMemo<IFlowHandle>(() => {
    const middle = (): XYPosition => {
      const box = pane.current!.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    };
    const centre = (): XYPosition => {
      const { x, y } = flow.screenToFlowPosition(middle());
      return freePlace(model.drawing.drawn, model.drawing.positions, {
        x: x - NODE_WIDTH / 2,
        y: y - 50
      });
    };
    const keepClip = (clip: IClip | null): void => {
      if (clip) {
        lastClip = JSON.stringify(clip, null, 2);
        void navigator.clipboard?.writeText(lastClip);
      }
    };
    const pasteText = (text: string): boolean => {
      const clip = readClip(text);
      if (clip) {
        const at = pointer.current;
        clips.paste(model, clip, at ? flow.screenToFlowPosition(at) : centre());
      }
      return clip !== null;
    };
    return {
      fit: () => void flow.fitView(FIT),
      centre,
      besides: node => besides(model, node) ?? centre(),
      focusNode: id => {
        model.selection.select([id]);
        void flow.fitView({ ...FIT, nodes: [{ id: model.drawing.shown(id) }] });
      },
      ask: kind => {
        const { x, y } = inside(pane.current!, middle());
        const at = { x: x - 160, y: Math.max(20, y - 180) };
        const selected = model.selection.singleNode;
        if (kind === 'find') {
          request({ kind, at });
        } else if (kind === 'add') {
          request({
            kind,
            at,
            place: besides(model, model.selection.single) ?? centre()
          });
        } else if (selected) {
          const place = besides(model, selected) ?? centre();
          request({ kind, at, node: selected, place });
        }
      },
      dropFiles: (paths, x, y) => {
        const port = document
          .elementFromPoint(x, y)
          ?.closest('.jp-mlws-Port')
          ?.querySelector<HTMLElement>('[data-mlws-port]')?.dataset.mlwsPort;
        const [node, side, name] = port?.split(':') ?? [];
        if (side === 'in') {
          gestures.setInputFile(model, node, name, paths[0]);
          return;
        }
        const place = flow.screenToFlowPosition({ x, y });
        const isEmpty = model.drawing.graph.nodes.size === 0;
        if (isEmpty && paths.length === 1 && TABLE_FILE.test(paths[0])) {
          gestures.startWithFile(model, paths[0], place);
        } else {
          gestures.addFiles(model, paths, place);
        }
      },
      copy: () => keepClip(clips.copy(model)),
      cut: () => keepClip(clips.cut(model)),
      duplicate: () => clips.duplicate(model),
      paste: async () => {
        // Only pages that are served safely may read the clipboard.
        const text = await navigator.clipboard?.readText().catch(() => null);
        if (!(text && pasteText(text)) && lastClip) {
          pasteText(lastClip);
        }
      },
      pasteText
    };
  }, [flow, model, pane, pointer, request]);
  useEffect(() => onReady(handle), [handle, onReady]);
  return handle;
}

/** Last copy of this page, for browsers that do not allow reading the clipboard. */
let lastClip: string | null = null;

/** Free position to the right of a node. */
function besides(model: CanvasModel, node: string | null): XYPosition | null {
  const { drawn: graph, positions } = model.drawing;
  const place = node === null ? null : positions.get(node);
  return place
    ? freePlace(graph, positions, {
        x: place.x + NODE_WIDTH + COLUMN_GAP,
        y: place.y
      })
    : null;
}

/** Handles the browser's copy, cut and paste events, which need no permission. */
export function useClipboard(
  handle: IFlowHandle,
  model: CanvasModel
): Pick<React.DOMAttributes<HTMLDivElement>, 'onCopy' | 'onCut' | 'onPaste'> {
  return useMemo(() => {
    const isField = (event: React.ClipboardEvent): boolean =>
      (event.target as HTMLElement).matches('input, textarea, select');
    const give =
      (take: () => IClip | null) =>
      (event: React.ClipboardEvent): void => {
        const clip = isField(event) ? null : take();
        if (clip) {
          lastClip = JSON.stringify(clip, null, 2);
          event.clipboardData.setData('text/plain', lastClip);
          event.preventDefault();
        }
      };
    return {
      onCopy: give(() => clips.copy(model)),
      onCut: give(() => clips.cut(model)),
      onPaste: event => {
        const text = event.clipboardData.getData('text/plain');
        if (!isField(event) && handle.pasteText(text)) {
          event.preventDefault();
        }
      }
    };
  }, [handle, model]);
}

/**
 * Handles drops of components from the palette and of files from the computer.
 *
 * A component that is dropped on a wire is inserted there; files are uploaded first.
 */
export function useDrop(
  handle: IFlowHandle,
  pane: React.RefObject<HTMLDivElement>
): Pick<
  React.DOMAttributes<HTMLElement>,
  'onDrop' | 'onDragOver' | 'onDragLeave'
> {
  const flow = useReactFlow();
  const { model, uploadFiles } = useCanvas();
  return useMemo(() => {
    let wire: Element | null = null;
    const mark = (next: Element | null): void => {
      if (next !== wire) {
        wire?.classList.remove('jp-mod-target');
        next?.classList.add('jp-mod-target');
        wire = next;
      }
    };
    const markFiles = (isOver: boolean): void => {
      pane.current?.classList.toggle('jp-mod-files', isOver);
    };
    return {
      onDragOver: event => {
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          markFiles(true);
        } else if (event.dataTransfer.types.includes(COMPONENT_MIME)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          mark(wireAt(event.clientX, event.clientY));
        }
      },
      onDragLeave: () => {
        mark(null);
        markFiles(false);
      },
      onDrop: event => {
        const { clientX, clientY } = event;
        const files = [...event.dataTransfer.files];
        markFiles(false);
        if (files.length > 0) {
          event.preventDefault();
          void uploadFiles(files).then(paths => {
            if (paths.length > 0 && !model.isDisposed) {
              handle.dropFiles(paths, clientX, clientY);
            }
          });
          return;
        }
        const name = event.dataTransfer.getData(COMPONENT_MIME);
        const edge = flow.getEdge(wire?.getAttribute('data-id') ?? '');
        mark(null);
        if (!name) {
          return;
        }
        event.preventDefault();
        const { x, y } = flow.screenToFlowPosition({
          x: event.clientX,
          y: event.clientY
        });
        const place = { x: x - NODE_WIDTH / 2, y: y - 20 };
        const isInserted =
          edge !== undefined &&
          gestures.insertComponent(
            model,
            name,
            {
              source: edge.source,
              sourcePort: edge.sourceHandle ?? '',
              target: edge.target,
              targetPort: edge.targetHandle ?? ''
            },
            freePlace(model.drawing.drawn, model.drawing.positions, place)
          );
        if (!isInserted) {
          gestures.addComponent(model, name, place);
        }
        pane.current?.focus({ preventScroll: true });
      }
    };
  }, [flow, handle, model, pane, uploadFiles]);
}

/** The wire at a place of the window, unless a node covers it. */
function wireAt(x: number, y: number): Element | null {
  const element = document.elementFromPoint(x, y);
  return element?.closest('.react-flow__edge') ?? null;
}

/** Brings a node that was just added into view. */
export function useReveal(model: CanvasModel): void {
  const flow = useReactFlow();
  const store = useStoreApi();
  const ids = useRef(new Set(model.drawing.positions.keys()));
  useSlot(model.selection.changed, () => {
    const { single } = model.selection;
    const place = single === null ? null : model.drawing.positions.get(single);
    const isNew = single !== null && !ids.current.has(single);
    ids.current = new Set(model.drawing.positions.keys());
    if (!place || !isNew) {
      return;
    }
    const node = model.drawing.drawn.nodes.get(single!);
    const { transform, width, height } = store.getState();
    const [x, y, zoom] = transform;
    const box = {
      left: place.x * zoom + x,
      top: place.y * zoom + y,
      right: (place.x + NODE_WIDTH) * zoom + x,
      bottom: (place.y + (node ? nodeHeight(node) : SOURCE_HEIGHT)) * zoom + y
    };
    if (
      box.left < 0 ||
      box.top < 0 ||
      box.right > width ||
      box.bottom > height
    ) {
      void flow.setCenter(place.x + NODE_WIDTH / 2, place.y + 50, {
        zoom,
        duration: MOVE_DURATION
      });
    }
  });
}

/**
 * Keeps the focus on the canvas when the focused element is removed, as by a deletion or an undo:
 * the browser would focus the page, and keys would not reach the canvas.
 */
export function useFocusInside(pane: React.RefObject<HTMLElement>): void {
  useEffect(() => {
    const canvas = pane.current!;
    let focused: Element | null = null;
    const onFocus = (event: FocusEvent): void => {
      focused = event.target as Element;
    };
    const observer = new MutationObserver(() => {
      if (
        focused &&
        !focused.isConnected &&
        document.activeElement === document.body
      ) {
        const row = canvas.querySelector<HTMLElement>(
          '[role="treeitem"][tabindex="0"]'
        );
        (row ?? canvas).focus({ preventScroll: true });
      }
    });
    canvas.addEventListener('focusin', onFocus);
    observer.observe(canvas, { childList: true, subtree: true });
    return () => {
      canvas.removeEventListener('focusin', onFocus);
      observer.disconnect();
    };
  }, [pane]);
}
