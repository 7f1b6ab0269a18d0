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
  useUpdateNodeInternals,
  type Connection,
  type Edge,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import type { IGraphNode, Refusal } from './graph';
import { useCanvas } from './hooks';
import { freePlace, NODE_WIDTH, nodeHeight, type IPlace } from './layout';
import type { CanvasModel } from './model';
import { NodeView, type CanvasNode } from './node';
import { COMPONENT_MIME } from './palette';
import { flowLabels, refusalText } from './words';

/** What the commands and the palette ask of the drawing. */
export interface IFlowHandle {
  fit(): void;
  /** Where a new node comes into view. */
  centre(): IPlace;
  focusNode(id: string): void;
}

const MINI_MAP = { width: 130, height: 90 };
const NODE_TYPES = { mlws: NodeView };
// Nodes out of view are not measured; their declared size counts.
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
/** From this many nodes on, only those in view are drawn when the view is near enough. */
const MANY_NODES = 500;
const NEAR_ZOOM = 0.5;

export function Flow(props: {
  id: string;
  onReady: (handle: IFlowHandle) => void;
}): JSX.Element {
  return (
    <ReactFlowProvider>
      <FlowPane {...props} />
    </ReactFlowProvider>
  );
}

function FlowPane(props: {
  id: string;
  onReady: (handle: IFlowHandle) => void;
}): JSX.Element {
  const { model, trans } = useCanvas();
  const pane = useRef<HTMLDivElement>(null);
  const { refusal, refuse } = useRefusal(model);
  const { nodes, onNodesChange } = useNodes(model);
  const { edges, onEdgesChange } = useEdges(model);
  useMeasuredPorts(nodes);
  const onDrop = useHandle(model, pane, props.onReady);
  const labels = useMemo(() => flowLabels(trans), [trans]);
  const isNear = useStore(state => state.transform[2] > NEAR_ZOOM);

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
      model.connect(source, sourceHandle ?? '', target, targetHandle ?? '');
    },
    [model]
  );
  const onConnectEnd = useCallback(
    (_: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      if (state.isValid || !state.toHandle) {
        refuse(null);
      }
    },
    [refuse]
  );

  return (
    <div
      className="jp-mlws-Canvas"
      ref={pane}
      tabIndex={-1}
      onDragOver={event => {
        if (event.dataTransfer.types.includes(COMPONENT_MIME)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
        }
      }}
      onDrop={onDrop}
      onPointerDownCapture={event => {
        // So that the keys of the canvas work after a click on its ground.
        if (
          !(event.target as HTMLElement).closest('.react-flow__node, button')
        ) {
          pane.current?.focus({ preventScroll: true });
        }
      }}
    >
      <ReactFlow
        id={props.id}
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        isValidConnection={isValidConnection}
        onConnect={onConnect}
        onConnectStart={() => refuse(null)}
        onConnectEnd={onConnectEnd}
        deleteKeyCode={null}
        fitView
        fitViewOptions={FIT}
        minZoom={0.05}
        connectionRadius={24}
        onlyRenderVisibleElements={nodes.length > MANY_NODES && isNear}
        ariaLabelConfig={labels}
        aria-label={trans.__('Workflow graph')}
      >
        <Background />
        <Controls showInteractive={false} fitViewOptions={FIT} />
        <MiniMap style={MINI_MAP} pannable zoomable />
      </ReactFlow>
      <div className="jp-mlws-Canvas-status" role="status">
        {refusal && (
          <div className="jp-mlws-Canvas-refusal">
            {refusalText(refusal, trans)}
          </div>
        )}
      </div>
      {nodes.length === 0 && !model.error && <EmptyCanvas />}
    </div>
  );
}

function EmptyCanvas(): JSX.Element {
  const { model, trans } = useCanvas();
  return (
    <div className="jp-mlws-Canvas-empty">
      <h3>{trans.__('An empty workflow')}</h3>
      <p>
        {model.components.size > 0
          ? trans.__(
              'Drag a component from the left onto this canvas, then draw a line from an output to an input that fits.'
            )
          : trans.__(
              'The components will appear on the left as soon as the server names them.'
            )}
      </p>
    </div>
  );
}

function refusalOf(
  model: CanvasModel,
  connection: Connection | Edge
): Refusal | null {
  const { source, sourceHandle, target, targetHandle } = connection;
  return model.refusal(source, sourceHandle ?? '', target, targetHandle ?? '');
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
    const onRefused = (_: CanvasModel, next: Refusal): void => refuse(next);
    model.refused.connect(onRefused);
    return () => {
      clearTimeout(timer.current);
      model.refused.disconnect(onRefused);
    };
  }, [model, refuse]);
  return { refusal, refuse };
}

/** React Flow's nodes, kept in step with the model; what did not change keeps its object. */
function useNodes(model: CanvasModel): {
  nodes: CanvasNode[];
  onNodesChange: (changes: NodeChange<CanvasNode>[]) => void;
} {
  const [nodes, setNodes] = useState<CanvasNode[]>(() => toNodes(model, []));
  const moved = useRef(new Map<string, IPlace>());
  const timer = useRef<ReturnType<typeof setTimeout>>();

  const commit = useCallback(() => {
    clearTimeout(timer.current);
    if (moved.current.size > 0) {
      const places = moved.current;
      moved.current = new Map();
      model.move(places);
    }
  }, [model]);

  useEffect(() => {
    const update = (): void => setNodes(before => toNodes(model, before));
    update();
    model.changed.connect(update);
    model.selectionChanged.connect(update);
    model.flushing.connect(commit);
    return () => {
      commit();
      model.changed.disconnect(update);
      model.selectionChanged.disconnect(update);
      model.flushing.disconnect(commit);
    };
  }, [model, commit]);

  const onNodesChange = useCallback(
    (changes: NodeChange<CanvasNode>[]) => {
      setNodes(before => applyNodeChanges(changes, before));
      const picked = new Set(model.selection);
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
        model.select(picked);
      }
    },
    [model, commit]
  );
  return { nodes, onNodesChange };
}

/** Edges end where the ports were measured: again, all at once, where their order changes. */
function useMeasuredPorts(nodes: readonly CanvasNode[]): void {
  const measure = useUpdateNodeInternals();
  const drawn = useRef(new Map<string, IGraphNode>());
  useEffect(() => {
    const before = drawn.current;
    drawn.current = new Map(nodes.map(({ id, data }) => [id, data.node]));
    const stale = nodes
      .filter(({ id, data }) => {
        const old = before.get(id);
        return (
          old && old !== data.node && portOrder(old) !== portOrder(data.node)
        );
      })
      .map(({ id }) => id);
    if (stale.length > 0) {
      measure(stale);
    }
  }, [measure, nodes]);
}

function portOrder({ inputs, outputs }: IGraphNode): string {
  return JSON.stringify([
    inputs.map(port => port.name),
    outputs.map(port => port.name)
  ]);
}

function toNodes(
  model: CanvasModel,
  before: readonly CanvasNode[]
): CanvasNode[] {
  const known = new Map(before.map(node => [node.id, node]));
  return [...model.graph.nodes.values()].map(node => {
    const old = known.get(node.id);
    const place = model.places.get(node.id)!;
    const selected = model.selection.has(node.id);
    // A node under the pointer stays there until it is let go.
    const position = old?.dragging ? old.position : place;
    const isSame =
      old?.data.node === node &&
      old.selected === selected &&
      old.position.x === position.x &&
      old.position.y === position.y;
    return isSame
      ? old
      : {
          ...old,
          id: node.id,
          type: 'mlws' as const,
          // So that the view fits nodes that were not drawn yet.
          initialWidth: NODE_WIDTH,
          initialHeight: nodeHeight(node),
          position,
          selected,
          data: old?.data.node === node ? old.data : { node },
          ariaLabel: node.component
            ? `${node.title}, ${node.component.title}`
            : node.title
        };
  });
}

function useEdges(model: CanvasModel): {
  edges: Edge[];
  onEdgesChange: (changes: EdgeChange[]) => void;
} {
  const [edges, setEdges] = useState<Edge[]>(() => toEdges(model, []));
  useEffect(() => {
    const update = (): void => setEdges(before => toEdges(model, before));
    update();
    model.changed.connect(update);
    return () => {
      model.changed.disconnect(update);
    };
  }, [model]);
  const onEdgesChange = useCallback((changes: EdgeChange[]) => {
    setEdges(before => applyEdgeChanges(changes, before));
  }, []);
  useEffect(() => {
    model.selectEdges(edges.filter(edge => edge.selected).map(edge => edge.id));
  }, [model, edges]);
  return { edges, onEdgesChange };
}

function toEdges(model: CanvasModel, before: readonly Edge[]): Edge[] {
  const known = new Map(before.map(edge => [edge.id, edge]));
  return model.graph.edges.map(
    edge =>
      known.get(edge.id) ?? {
        id: edge.id,
        source: edge.source,
        sourceHandle: edge.sourcePort,
        target: edge.target,
        targetHandle: edge.targetPort,
        ariaLabel: `${edge.source} → ${edge.target}`
      }
  );
}

/** Gives the widget a hold of the drawing; returns what a drop on it does. */
function useHandle(
  model: CanvasModel,
  pane: React.RefObject<HTMLDivElement>,
  onReady: (handle: IFlowHandle) => void
): (event: React.DragEvent) => void {
  const flow = useReactFlow();
  const handle = useMemo<IFlowHandle>(
    () => ({
      fit: () => void flow.fitView(FIT),
      centre: () => {
        const box = pane.current!.getBoundingClientRect();
        const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
        const { x, y } = flow.screenToFlowPosition(middle);
        return freePlace(model.graph, model.places, {
          x: x - NODE_WIDTH / 2,
          y: y - 50
        });
      },
      focusNode: id => {
        model.select([id]);
        void flow.fitView({ ...FIT, nodes: [{ id }] });
      }
    }),
    [flow, model, pane]
  );
  useEffect(() => onReady(handle), [handle, onReady]);
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
      model.addComponent(name, { x: x - NODE_WIDTH / 2, y: y - 20 });
      pane.current?.focus({ preventScroll: true });
    },
    [flow, model, pane]
  );
}
