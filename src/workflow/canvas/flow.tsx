import '@xyflow/react/dist/style.css';

import {
  Background,
  Controls,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Connection,
  type Edge,
  type FinalConnectionState
} from '@xyflow/react';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState
} from 'react';

import { flowLabels } from '../../ui/flowLabels';
import { trans } from '../../ui/locale';
import { itemOf, sourcePath } from '../document/notes';
import { bestLink } from '../graph/choices';
import { refusalOf } from '../graph/connections';
import { NODE_WIDTH, type XYPosition } from '../graph/geometry';
import { type IEnd, type ILink, linkBetween } from '../graph/graph';
import { endsOf, memberEnd, memberLink } from '../graph/groups';
import type { IShape } from '../graph/wrapping';
import * as gestures from '../store/gestures';
import { useCanvas } from '../context';
import { EmptyCanvas } from './emptyCanvas';
import { useEdges, useNodes } from './flowState';
import { useOpen } from './opening';
import {
  type IViewMemory,
  openingViewport,
  restoredViewport,
  useFittingPorts,
  useShape,
  useSteadyView,
  useZoomLevel
} from './flowLooks';
import {
  FIT,
  MIN_ZOOM,
  useClipboard,
  useDrop,
  useFocusInside,
  useHandle,
  useReveal,
  type IFlowHandle
} from './handle';
import { MapOfMany } from './minimap';
import type { CanvasEdge } from './edge';
import { useNearEdges } from './nearEdges';
import { EDGE_TYPES, NODE_TYPES, type AnyNode } from './nodeTypes';
import { nodeAt, Overview, useFewer } from './overview';
import { inside, RefusalText, useRefusal } from './refusal';
import { RequestChooser, type IRequest } from './requests';
import { TreeView } from './tree';

const MINI_MAP = { width: 130, height: 90 };
/** Number of nodes up to which the minimap is hidden. */
const SMALL_GRAPH = 12;
/**
 * Number of nodes from which only visible nodes are drawn, at low zoom as one picture: 300 elements
 * with edges move at 20 to 30 frames a second, the picture at 60.
 */
const LARGE_GRAPH = 100;
const NEAR_ZOOM = 0.5;
const NO_EDGES: CanvasEdge[] = [];
/** Out of reach of keys and screen readers; React 18 does not know the attribute. */
const COVERED = { inert: '' } as object;

interface IFlowProps {
  id: string;
  view: IViewMemory;
  /** True if the tree view replaces the drawing. */
  hasTree: boolean;
  onReady: (handle: IFlowHandle) => void;
}

/** The drawing, from when it is known how much room it has. */
export function Flow(props: IFlowProps): JSX.Element {
  const { model } = useCanvas();
  const room = useRef<HTMLDivElement>(null);
  const [shape, setShape] = useState<IShape | null>(null);
  useLayoutEffect(() => {
    if (room.current) {
      const { clientWidth: width, clientHeight: height } = room.current;
      model.drawing.setShape({ width, height });
      setShape({ width, height });
    }
  }, [model]);
  return shape ? (
    <ReactFlowProvider>
      <FlowPane {...props} shape={shape} />
    </ReactFlowProvider>
  ) : (
    <div className="jp-mlws-Canvas" ref={room} />
  );
}

function FlowPane(props: IFlowProps & { shape: IShape }): JSX.Element {
  const { model } = useCanvas();
  const pane = useRef<HTMLDivElement>(null);
  const pointer = useRef<XYPosition | null>(null);
  const [request, setRequest] = useState<IRequest | null>(null);
  const { refusal, refuse } = useRefusal(model);
  const { nodes, onNodesChange } = useNodes(model);
  const isMany = nodes.length > LARGE_GRAPH;
  const [initial] = useState(
    () =>
      restoredViewport(model, props.view.initial, nodes, props.shape) ??
      (isMany ? openingViewport(nodes, props.shape) : null)
  );
  const { edges, onEdgesChange } = useEdges(model);
  const handle = useHandle(model, pane, pointer, setRequest, props.onReady);
  const drop = useDrop(handle, pane);
  const { isReadOnly } = model.document;
  useReveal(model);
  const clipboard = useClipboard(handle, model);
  useFocusInside(pane);
  useZoomLevel(pane);
  useFittingPorts(pane, model);
  useShape(model);
  const onMoveEnd = useSteadyView(
    model,
    nodes,
    props.view,
    initial,
    props.shape
  );
  const labels = useMemo(() => flowLabels(), []);
  // The first render comes before React Flow applies the initial viewport.
  const isFar = useStore(
    ({ panZoom, transform }) =>
      (panZoom || !initial ? transform[2] : initial.zoom) <= NEAR_ZOOM
  );
  const isOverview = isMany && isFar;
  const nearEdges = useNearEdges(model, edges, isMany);
  const isConnecting = useStore(({ connection }) => connection.inProgress);
  const isOverNothing = useStore(
    ({ connection }) => connection.inProgress && connection.toHandle === null
  );
  useEffect(() => {
    // Above empty space nothing is refused any more.
    if (isOverNothing) {
      refuse(null);
    }
  }, [isOverNothing, refuse]);
  const { visible, attend, events } = useFewer(model, nodes, isOverview);
  const flow = useReactFlow();
  const open = useOpen(pane);
  // The first node of an empty canvas stays at its position.
  const [hadNodes] = useState(nodes.length > 0);

  const isValidConnection = useCallback(
    (connection: Connection | Edge) => {
      const link = memberLink(linkOf(connection));
      const refusal = refusalOf(model.drawing.graph, link);
      refuse(refusal);
      return refusal === null;
    },
    [model, refuse]
  );
  const onConnect = useCallback(
    (connection: Connection) => gestures.connect(model, linkOf(connection)),
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
      const from: IEnd = memberEnd({
        side: type,
        node: nodeId,
        port: id ?? ''
      });
      const { clientX, clientY } =
        'changedTouches' in event ? event.changedTouches[0] : event;
      const over = document
        .elementFromPoint(clientX, clientY)
        ?.closest<HTMLElement>('[data-mlws-node], .react-flow__pane');
      if (over?.dataset.mlwsNode) {
        const { graph, drawn } = model.drawing;
        const target = drawn.nodes.get(over.dataset.mlwsNode);
        const link = target?.members
          ? endsOf(target, from)
              .map(end => linkBetween(from, end.node, end.port))
              .find(one => !refusalOf(graph, one))
          : bestLink(graph, from, over.dataset.mlwsNode);
        gestures.connect(model, link ?? linkBetween(from, nodeId, ''));
      } else if (over) {
        const point = { x: clientX, y: clientY };
        const { x, y } = flow.screenToFlowPosition(point);
        const left = from.side === 'source' ? x : x - NODE_WIDTH;
        const place = { x: left, y: y - 40 };
        const at = inside(pane.current!, point);
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
      {...(isReadOnly ? {} : drop)}
      onPointerMoveCapture={({ clientX, clientY, buttons }) => {
        pointer.current = { x: clientX, y: clientY };
        // A node that is dragged stays drawn; a line that is drawn needs the node below it.
        if (isOverview && (buttons === 0 || isConnecting)) {
          const place = flow.screenToFlowPosition(pointer.current);
          attend(nodeAt(nodes, place));
        }
      }}
      onPointerLeave={() => {
        pointer.current = null;
      }}
      onMouseDown={event => {
        if (event.shiftKey && nodeOf(event.target) === null) {
          // A browser would extend its selection of text to here, over the panes around.
          event.preventDefault();
        }
      }}
      onPointerDownCapture={event => {
        if (event.shiftKey && nodeOf(event.target) !== null) {
          // Otherwise it would start a selection rectangle.
          event.stopPropagation();
        }
        // So that the keys of the canvas work after a click on its ground.
        if (
          !(event.target as HTMLElement).closest(
            '.react-flow__node, button, .jp-mlws-Chooser'
          )
        ) {
          pane.current?.focus({ preventScroll: true });
        }
      }}
      onClickCapture={event => {
        const id = nodeOf(event.target);
        const add = (event.target as HTMLElement).closest<HTMLElement>(
          '[data-mlws-add]'
        );
        if (add && id !== null) {
          const box = add.getBoundingClientRect();
          const point = { x: box.right, y: box.top };
          setRequest({
            kind: 'add',
            from: memberEnd<IEnd>({
              side: 'source',
              node: id,
              port: add.dataset.mlwsAdd!
            }),
            place: handle.besides(id),
            at: inside(pane.current!, point)
          });
          event.stopPropagation();
        } else if (event.shiftKey && id !== null) {
          const ids = new Set(model.selection.ids);
          if (!ids.delete(id)) {
            ids.add(id);
          }
          model.selection.select(ids);
          event.stopPropagation();
        }
      }}
      onKeyDownCapture={event => {
        const element = event.target as HTMLElement;
        const id = element.dataset.id;
        const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
        if (
          event.key === 'Enter' &&
          isPlain &&
          id &&
          element.matches('.react-flow__node-mlws')
        ) {
          // Space selects it.
          event.preventDefault();
          event.stopPropagation();
          open(id);
        }
      }}
      onDoubleClick={event => {
        const point = { x: event.clientX, y: event.clientY };
        const under = flow.screenToFlowPosition(point);
        const far = isOverview ? nodeAt(nodes, under) : null;
        const element = event.target as HTMLElement;
        const node = element.closest<HTMLElement>('.react-flow__node-mlws');
        const group = element.closest<HTMLElement>(
          '.react-flow__node-subworkflow'
        );
        if (far !== null) {
          // Ports are hidden at low zoom.
          handle.focusNode(far);
        } else if (group?.dataset.id) {
          gestures.toggleCollapsed(model, itemOf(group.dataset.id)!.index);
        } else if (node?.dataset.id) {
          open(node.dataset.id);
        } else if (
          !isReadOnly &&
          element.closest('.react-flow__pane') &&
          !element.closest('.react-flow__node')
        ) {
          const at = inside(pane.current!, point);
          setRequest({ kind: 'add', place: under, at });
        }
      }}
      onContextMenuCapture={event => {
        if (isReadOnly) {
          // Its entries are edits and runs.
          event.stopPropagation();
          return;
        }
        // The context menu belongs to the element under the pointer; the selection rectangle of
        // several nodes covers it.
        const id = nodeOf(event.target);
        const isSelection = (event.target as HTMLElement).matches(
          '.react-flow__nodesselection-rect'
        );
        pane.current!.dataset.mlwsMenu =
          id !== null || isSelection ? 'node' : 'ground';
        if (id !== null && !model.selection.ids.has(id)) {
          model.selection.select([id]);
        }
      }}
    >
      <ReactFlow<AnyNode, CanvasEdge>
        id={props.id}
        {...(props.hasTree ? COVERED : {})}
        nodes={visible}
        edges={isOverview ? NO_EDGES : nearEdges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        isValidConnection={isValidConnection}
        onConnect={onConnect}
        onConnectStart={() => refuse(null)}
        onConnectEnd={onConnectEnd}
        deleteKeyCode={null}
        nodesDraggable={!isReadOnly}
        nodesConnectable={!isReadOnly}
        zoomOnDoubleClick={false}
        fitView={hadNodes && !initial}
        fitViewOptions={FIT}
        {...(initial ? { defaultViewport: initial } : {})}
        onMoveEnd={onMoveEnd}
        minZoom={MIN_ZOOM}
        connectionRadius={24}
        onlyRenderVisibleElements={isMany}
        ariaLabelConfig={labels}
        aria-label={trans.__('Workflow graph')}
        attributionPosition={
          nodes.length > SMALL_GRAPH ? 'bottom-right' : 'bottom-left'
        }
      >
        <Background />
        <Controls
          // A small graph starts at the left; the minimap of a large graph is at the right.
          position={nodes.length > SMALL_GRAPH ? 'bottom-left' : 'bottom-right'}
          orientation="horizontal"
          showInteractive={false}
          fitViewOptions={FIT}
        />
        {isOverview && <Overview nodes={nodes} />}
        {isMany ? (
          <MapOfMany nodes={nodes} {...MINI_MAP} />
        ) : (
          nodes.length > SMALL_GRAPH && (
            <MiniMap style={MINI_MAP} pannable zoomable />
          )
        )}
      </ReactFlow>
      {props.hasTree && <TreeView onOpen={open} />}
      <RefusalText refusal={refusal} pane={pane} pointer={pointer} />
      {request && (
        <RequestChooser
          key={request.kind}
          request={request}
          onShow={handle.focusNode}
          onNext={setRequest}
          onClose={() => {
            setRequest(null);
            pane.current?.focus({ preventScroll: true });
          }}
        />
      )}
      {nodes.length === 0 && !model.document.error && (
        <EmptyCanvas onAdd={() => handle.ask('add')} />
      )}
    </div>
  );
}

/** The node that an event is about. */
function nodeOf(target: EventTarget): string | null {
  const node = (target as HTMLElement).closest<HTMLElement>(
    '.react-flow__node'
  );
  return node?.dataset.id ?? null;
}

function linkOf(connection: Connection | Edge): ILink {
  const { source, sourceHandle, target, targetHandle } = connection;
  return {
    source,
    sourcePort: sourceHandle ?? '',
    target,
    targetPort: targetHandle ?? ''
  };
}
