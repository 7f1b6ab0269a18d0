import '@xyflow/react/dist/style.css';

import {
  applyEdgeChanges,
  applyNodeChanges,
  Background,
  Controls,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Connection,
  type Edge,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
  type Viewport
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { flowLabels } from '../../ui/flowLabels';
import { bestInput, bestPort, type IEnd } from '../graph/choices';
import { type IClip, readClip } from '../document/clipboard';
import { sourcePath } from '../document/notes';
import { runnerOf } from '../document/stages';
import { carryMembers, withFrames } from './frames';
import type { Refusal } from '../graph/graph';
import { useCanvas } from '../store/hooks';
import { freePlace } from '../graph/layout';
import type { CanvasModel } from '../store/model';
import { MapOfMany } from './minimap';
import { toEdges, toNodes } from './nodes';
import { EDGE_TYPES, NODE_TYPES, type AnyNode } from './nodeTypes';
import { nodeAt, Overview, useFewer } from './overview';
import { COMPONENT_MIME } from './palette';
import { RequestChooser, type IRequest } from './requests';
import { NODE_WIDTH, type XYPosition } from '../graph/geometry';
import { TreeView } from './tree';
import { refusalText } from '../labels';
import * as gestures from '../store/gestures';

/** What the commands and the palette ask of the drawing. */
export interface IFlowHandle {
  fit(): void;
  /** Where a new node comes into view. */
  centre(): XYPosition;
  focusNode(id: string): void;
  /** Opens the list of what can be added, found or connected. */
  ask(kind: IRequest['kind']): void;
  /** Files let go over the drawing; paths from the project's root, place in the window. */
  dropFiles(paths: readonly string[], x: number, y: number): void;
  copy(): void;
  cut(): void;
  paste(): Promise<void>;
  /** False where the text holds no nodes. */
  pasteText(text: string): boolean;
}

/** The part of the graph that is in view, kept over a reload of the page. */
export interface IViewportMemory {
  /** Null for a graph that is to be fitted into its box. */
  initial: Viewport | null;
  keep: (viewport: Viewport) => void;
}

const MINI_MAP = { width: 130, height: 90 };
// Nodes that are not drawn one by one are hidden ones to React Flow.
const FIT = {
  maxZoom: 1,
  padding: 0.06,
  duration: 200,
  includeHiddenNodes: true
};
/** How long the reason of a refusal stays in view, in milliseconds. */
const REFUSAL_TIME = 6000;
/** How long the arrow keys must rest before a move is written, in milliseconds. */
const MOVE_REST = 400;
/** From this many nodes on, only those in view are drawn; from afar, in one picture. */
const MANY_NODES = 300;
const NEAR_ZOOM = 0.5;
const NO_EDGES: Edge[] = [];
/** Out of reach of keys and screen readers; React 18 does not know the attribute. */
const COVERED = { inert: '' } as object;

interface IFlowProps {
  id: string;
  viewport: IViewportMemory;
  /** The tree view stands in the place of the drawing. */
  hasTree: boolean;
  onReady: (handle: IFlowHandle) => void;
}

export function Flow(props: IFlowProps): JSX.Element {
  return (
    <ReactFlowProvider>
      <FlowPane {...props} />
    </ReactFlowProvider>
  );
}

function FlowPane(props: IFlowProps): JSX.Element {
  const { model, trans } = useCanvas();
  const { initial, keep } = props.viewport;
  const pane = useRef<HTMLDivElement>(null);
  const pointer = useRef<XYPosition | null>(null);
  const [request, setRequest] = useState<IRequest | null>(null);
  const { refusal, refuse } = useRefusal(model);
  const { nodes, onNodesChange } = useNodes(model);
  const { edges, onEdgesChange } = useEdges(model);
  const handle = useHandle(model, pane, pointer, setRequest, props.onReady);
  const onDrop = useDrop(model, pane);
  const clipboard = useClipboard(handle, model);
  useFocusInside(pane);
  const labels = useMemo(() => flowLabels(trans), [trans]);
  const isMany = nodes.length > MANY_NODES;
  const isFar = useStore(({ transform }) => transform[2] <= NEAR_ZOOM);
  const isOverview = isMany && isFar;
  const isConnecting = useStore(({ connection }) => connection.inProgress);
  const { shown, attend, events } = useFewer(model, nodes, isOverview);
  const flow = useReactFlow();
  // The first node of an empty canvas stays where it was put.
  const [hadNodes] = useState(nodes.length > 0);

  const isValidConnection = useCallback(
    (connection: Connection | Edge) => {
      const found = refusalOf(model, connection);
      refuse(found);
      return found === null;
    },
    [model, refuse]
  );
  const onConnect = useCallback(
    (connection: Connection) => {
      const { source, sourceHandle, target, targetHandle } = connection;
      gestures.connect(
        model,
        source,
        sourceHandle ?? '',
        target,
        targetHandle ?? ''
      );
    },
    [model]
  );
  const onConnectEnd = useCallback(
    (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      if (state.isValid || !state.toHandle) {
        refuse(null);
      }
      if (state.isValid || state.toHandle || !state.fromHandle) {
        return;
      }
      const { nodeId, type, id } = state.fromHandle;
      const from: IEnd = { side: type, node: nodeId, port: id ?? '' };
      const { clientX, clientY } =
        'changedTouches' in event ? event.changedTouches[0] : event;
      const over = document
        .elementFromPoint(clientX, clientY)
        ?.closest<HTMLElement>('[data-mlws-node], .react-flow__pane');
      if (over?.dataset.mlwsNode) {
        connectToNode(model, from, over.dataset.mlwsNode);
      } else if (over) {
        const { x, y } = flow.screenToFlowPosition({ x: clientX, y: clientY });
        const left = from.side === 'source' ? x : x - NODE_WIDTH;
        const place = { x: left, y: y - 40 };
        const at = inside(pane.current!, clientX, clientY);
        const file = sourcePath(nodeId);
        setRequest(
          file === null
            ? { kind: 'add', from, place, at }
            : { kind: 'add', file, place, at }
        );
      }
    },
    [flow, model, refuse]
  );

  return (
    <div
      className={`jp-mlws-Canvas${isOverview ? ' jp-mod-far' : ''}`}
      ref={pane}
      tabIndex={-1}
      {...clipboard}
      {...events}
      onDragOver={event => {
        if (event.dataTransfer.types.includes(COMPONENT_MIME)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
        }
      }}
      onDrop={onDrop}
      onPointerMoveCapture={({ clientX, clientY, buttons }) => {
        pointer.current = { x: clientX, y: clientY };
        // What is carried stays drawn; a line that is drawn looks for where to end.
        if (isOverview && (buttons === 0 || isConnecting)) {
          const place = flow.screenToFlowPosition(pointer.current);
          attend(nodeAt(nodes, place));
        }
      }}
      onPointerLeave={() => {
        pointer.current = null;
      }}
      onPointerDownCapture={event => {
        // So that the keys of the canvas work after a click on its ground.
        if (
          !(event.target as HTMLElement).closest(
            '.react-flow__node, button, .jp-mlws-Chooser'
          )
        ) {
          pane.current?.focus({ preventScroll: true });
        }
      }}
      onDoubleClick={event => {
        const { clientX, clientY } = event;
        const under = flow.screenToFlowPosition({ x: clientX, y: clientY });
        const far = isOverview ? nodeAt(nodes, under) : null;
        if (far !== null) {
          // From afar there are no ports to draw lines between.
          handle.focusNode(far);
        } else if ((event.target as HTMLElement).closest('.react-flow__pane')) {
          const at = inside(pane.current!, clientX, clientY);
          setRequest({ kind: 'add', place: under, at });
        }
      }}
      onContextMenuCapture={event => {
        // The menu is about what is under the pointer.
        const under = (event.target as HTMLElement).closest<HTMLElement>(
          '.react-flow__node'
        );
        const id = under?.dataset.id;
        if (id && !model.selection.ids.has(id)) {
          model.selection.select([id]);
        }
      }}
    >
      <ReactFlow<AnyNode>
        id={props.id}
        {...(props.hasTree ? COVERED : {})}
        nodes={shown}
        edges={isOverview ? NO_EDGES : edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        isValidConnection={isValidConnection}
        onConnect={onConnect}
        onConnectStart={() => refuse(null)}
        onConnectEnd={onConnectEnd}
        deleteKeyCode={null}
        zoomOnDoubleClick={false}
        fitView={hadNodes && !initial}
        fitViewOptions={FIT}
        {...(initial ? { defaultViewport: initial } : {})}
        onMoveEnd={(_, viewport) => keep(viewport)}
        minZoom={0.05}
        connectionRadius={24}
        onlyRenderVisibleElements={isMany}
        ariaLabelConfig={labels}
        aria-label={trans.__('Workflow graph')}
      >
        <Background />
        <Controls showInteractive={false} fitViewOptions={FIT} />
        {isOverview && <Overview nodes={nodes} />}
        {isMany ? (
          <MapOfMany nodes={nodes} {...MINI_MAP} />
        ) : (
          <MiniMap style={MINI_MAP} pannable zoomable />
        )}
      </ReactFlow>
      {props.hasTree && <TreeView />}
      <RefusalText refusal={refusal} pane={pane} pointer={pointer} />
      {request && (
        <RequestChooser
          key={request.kind}
          request={request}
          onShow={handle.focusNode}
          onClose={() => {
            setRequest(null);
            pane.current?.focus({ preventScroll: true });
          }}
        />
      )}
      {nodes.length === 0 && !model.document.error && <EmptyCanvas />}
    </div>
  );
}

/** A place in the window as one in the canvas. */
function inside(pane: HTMLElement, x: number, y: number): XYPosition {
  const box = pane.getBoundingClientRect();
  return { x: x - box.x, y: y - box.y };
}

/** A line let go over a node goes to the port that fits; where none does, the reason is told. */
function connectToNode(model: CanvasModel, from: IEnd, node: string): void {
  const path = sourcePath(from.node);
  const link =
    path === null
      ? bestPort(model.drawing.graph, from, node)
      : bestInput(model.drawing.graph, path, node);
  if (link) {
    gestures.connect(
      model,
      link.source,
      link.sourcePort,
      link.target,
      link.targetPort
    );
    return;
  }
  const other = model.drawing.graph.nodes.get(node);
  const isSource = from.side === 'source';
  const port = (isSource ? other?.inputs : other?.outputs)?.[0]?.name ?? '';
  if (isSource) {
    gestures.connect(model, from.node, from.port, node, port);
  } else {
    gestures.connect(model, node, port, from.node, from.port);
  }
}

/** Why something was refused: where the pointer is, for a gesture of the pointer. */
function RefusalText(props: {
  refusal: Refusal | null;
  pane: React.RefObject<HTMLDivElement>;
  pointer: React.RefObject<XYPosition | null>;
}): JSX.Element {
  const { trans } = useCanvas();
  const { refusal, pane, pointer } = props;
  const [place, setPlace] = useState<XYPosition | null>(null);
  useEffect(() => {
    const at = pointer.current;
    const box = pane.current;
    setPlace(refusal && at && box ? inside(box, at.x, at.y) : null);
  }, [pane, pointer, refusal]);
  const isLeft = place && place.x < (pane.current?.clientWidth ?? 0) / 2;
  const style = place && {
    top: place.y + 18,
    bottom: 'auto',
    transform: 'none',
    ...(isLeft
      ? { left: place.x + 12 }
      : { left: 'auto', right: pane.current!.clientWidth - place.x + 12 })
  };
  return (
    <div
      className="jp-mlws-Canvas-status"
      role="status"
      style={style ?? undefined}
    >
      {refusal && (
        <div className="jp-mlws-Canvas-refusal">
          {refusalText(refusal, trans)}
        </div>
      )}
    </div>
  );
}

function EmptyCanvas(): JSX.Element {
  const { model, trans } = useCanvas();
  return (
    <div className="jp-mlws-Canvas-empty">
      <h3>{trans.__('This workflow is empty')}</h3>
      <p>
        {model.catalog.components.size > 0
          ? trans.__(
              'Double-click to add a node, or drag one from the left. You can also drop a ' +
                'data file, script or notebook here. Drag from an output to see what can be ' +
                'connected.'
            )
          : trans.__('Components appear on the left once they are loaded.')}
      </p>
    </div>
  );
}

function refusalOf(
  model: CanvasModel,
  connection: Connection | Edge
): Refusal | null {
  const { source, sourceHandle, target, targetHandle } = connection;
  return gestures.refusalOf(
    model,
    source,
    sourceHandle ?? '',
    target,
    targetHandle ?? ''
  );
}

/** The reason in view: at once while dragging, and for a while afterwards. */
function useRefusal(model: CanvasModel): {
  refusal: Refusal | null;
  refuse: (refusal: Refusal | null) => void;
} {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const refuse = useCallback((next: Refusal | null) => {
    clearTimeout(timer.current);
    if (next) {
      timer.current = setTimeout(() => setRefusal(null), REFUSAL_TIME);
    }
    setRefusal(before =>
      JSON.stringify(before) === JSON.stringify(next) ? before : next
    );
  }, []);
  useEffect(() => {
    const onRefused = (_: unknown, next: Refusal): void => refuse(next);
    model.document.refused.connect(onRefused);
    return () => {
      clearTimeout(timer.current);
      model.document.refused.disconnect(onRefused);
    };
  }, [model, refuse]);
  return { refusal, refuse };
}

/**
 * Keeps the focus on the canvas when the element that has it is removed, as by a deletion or an
 * undo: a browser gives it to the page, and the next key would not reach the canvas.
 */
function useFocusInside(pane: React.RefObject<HTMLElement>): void {
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

/** React Flow's nodes, kept in step with the model; what did not change keeps its object. */
function useNodes(model: CanvasModel): {
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

function useEdges(model: CanvasModel): {
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

/** Gives the widget a hold of the drawing. */
function useHandle(
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
      return freePlace(model.drawing.graph, model.drawing.positions, {
        x: x - NODE_WIDTH / 2,
        y: y - 50
      });
    };
    const copied = (clip: IClip | null): void => {
      if (clip) {
        lastClip = JSON.stringify(clip, null, 2);
        void navigator.clipboard?.writeText(lastClip);
      }
    };
    const pasteText = (text: string): boolean => {
      const clip = readClip(text);
      if (clip) {
        const at = pointer.current;
        gestures.paste(
          model,
          clip,
          at ? flow.screenToFlowPosition(at) : centre()
        );
      }
      return clip !== null;
    };
    return {
      fit: () => void flow.fitView(FIT),
      centre,
      focusNode: id => {
        model.selection.select([id]);
        void flow.fitView({ ...FIT, nodes: [{ id }] });
      },
      ask: kind => {
        const { x, y } = inside(pane.current!, ...xy(middle()));
        const at = { x: x - 160, y: Math.max(20, y - 180) };
        const selected = model.selection.singleNode;
        if (kind === 'find') {
          request({ kind, at });
        } else if (kind === 'add') {
          request({ kind, at, place: besides(model) ?? centre() });
        } else if (selected) {
          const place = besides(model) ?? centre();
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
        paths.forEach((path, index) => {
          const there = { x: place.x, y: place.y + index * 140 };
          if (runnerOf(path)) {
            gestures.addFile(model, path, there);
          } else {
            gestures.addData(model, path, there);
          }
        });
      },
      copy: () => copied(gestures.copy(model)),
      cut: () => copied(gestures.cut(model)),
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

/** What was copied last in this page, where the clipboard cannot be read. */
let lastClip: string | null = null;

function xy({ x, y }: XYPosition): [number, number] {
  return [x, y];
}

/** To the right of the selected node, where it is free. */
function besides(model: CanvasModel): XYPosition | null {
  const place =
    model.selection.single &&
    model.drawing.positions.get(model.selection.single);
  return place
    ? freePlace(model.drawing.graph, model.drawing.positions, {
        x: place.x + NODE_WIDTH + 60,
        y: place.y
      })
    : null;
}

/** The browser's own copy, cut and paste, which need no permission. */
function useClipboard(
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
      onCopy: give(() => gestures.copy(model)),
      onCut: give(() => gestures.cut(model)),
      onPaste: event => {
        const text = event.clipboardData.getData('text/plain');
        if (!isField(event) && handle.pasteText(text)) {
          event.preventDefault();
        }
      }
    };
  }, [handle, model]);
}

/** What letting go of a component of the palette does. */
function useDrop(
  model: CanvasModel,
  pane: React.RefObject<HTMLDivElement>
): (event: React.DragEvent) => void {
  const flow = useReactFlow();
  return useCallback(
    event => {
      const name = event.dataTransfer.getData(COMPONENT_MIME);
      if (!name) {
        return;
      }
      event.preventDefault();
      const { x, y } = flow.screenToFlowPosition({
        x: event.clientX,
        y: event.clientY
      });
      gestures.addComponent(model, name, { x: x - NODE_WIDTH / 2, y: y - 20 });
      pane.current?.focus({ preventScroll: true });
    },
    [flow, model, pane]
  );
}
