import type { NodeHandle, Position } from '@xyflow/react';

import { deepEqual } from '../document/values';
import {
  frameBox,
  HANDLE_SIZE,
  NODE_WIDTH,
  nodeHeight,
  portPosition,
  SOURCE_HEIGHT,
  type XYPosition
} from '../graph/geometry';
import {
  drawnEdges,
  type IGraphEdge,
  type IGraphNode,
  SOURCE_PORT
} from '../graph/graph';
import { memberEnd } from '../graph/groups';
import { keySettings } from '../graph/keySettings';
import { sourceEdge } from '../graph/sources';
import { sharedBeginnings } from '../graph/titles';
import type { CanvasModel } from '../store/model';
import type { CanvasEdge } from './edge';
import type { AnyNode } from './nodeTypes';

/** Converts a model to React Flow's nodes; nodes equal to those in `before` keep their object. */
export function toNodes(
  model: CanvasModel,
  before: readonly AnyNode[]
): AnyNode[] {
  const byId = new Map(before.map(node => [node.id, node]));
  const { drawn, positions, sources, notes } = model.drawing;
  const titleOf = (node: IGraphNode): string =>
    node.members ? node.title : model.drawing.titleOf(node.id);
  const shared = sharedBeginnings([...drawn.nodes.values()].map(titleOf));
  const read = new Set(
    drawn.edges.map(({ source, sourcePort }) => `${source}\n${sourcePort}`)
  );
  const { workflow } = model.document;
  const keep = (
    node: Pick<AnyNode, 'id' | 'type' | 'data' | 'position'>,
    more: () => Partial<AnyNode>
  ): AnyNode => keepNode(model, node, more, byId.get(node.id));
  const nodes = [...drawn.nodes.values()].map(node =>
    keep(
      {
        id: node.id,
        type: node.members ? 'subworkflow' : 'mlws',
        data: {
          node,
          title: titleOf(node),
          settings: node.members ? '' : keySettings(node, workflow),
          shared: shared.get(titleOf(node))!,
          unread: node.outputs
            .map(({ name }) => name)
            .filter(name => !read.has(`${node.id}\n${name}`))
            .join('\n')
        },
        position: positions.get(node.id)!
      },
      () => ({
        // The size is known, so that React Flow draws at once instead of measuring first.
        initialWidth: NODE_WIDTH,
        initialHeight: nodeHeight(node),
        measured: { width: NODE_WIDTH, height: nodeHeight(node) },
        handles: handlesOf(node),
        ariaLabel: node.component
          ? `${node.title}, ${node.component.title}`
          : node.title
      })
    )
  );
  const data = sources.map(source =>
    keep(
      {
        id: source.id,
        type: 'source',
        data: { source },
        position: positions.get(source.id)!
      },
      () => ({
        initialWidth: NODE_WIDTH,
        initialHeight: SOURCE_HEIGHT,
        ariaLabel: source.path
      })
    )
  );
  const words = notes.map(({ text, at: [x, y] }, index) =>
    keep(
      {
        id: `notes:${index}`,
        type: 'note',
        data: { index, text },
        position: { x, y }
      },
      () => ({ connectable: false, ariaLabel: text })
    )
  );
  const frames = before.filter(node => node.type === 'frame');
  return withFrames(model, [...frames, ...nodes, ...data, ...words]);
}

/** Adds the frames around their nodes. */
export function withFrames(
  model: CanvasModel,
  nodes: readonly AnyNode[]
): AnyNode[] {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const frames = model.drawing.frames.flatMap((frame, index) => {
    const id = `frames:${index}`;
    const { title } = frame;
    if (frame.isCollapsed) {
      return [];
    }
    const box = frameBox(
      frame.nodes
        .flatMap(member => byId.get(member) ?? [])
        .map(({ position, measured, initialHeight = 0 }) => ({
          ...position,
          width: measured?.width ?? NODE_WIDTH,
          height: measured?.height ?? initialHeight
        }))
    );
    if (!box) {
      return [];
    }
    const { width, height, ...position } = box;
    const old = byId.get(id);
    const isSame = old?.width === width && old.height === height;
    return keepNode(
      model,
      { id, type: 'frame', data: { index, title }, position },
      () => ({
        width,
        height,
        connectable: false,
        // Behind the edges, also if selected, which adds a thousand.
        zIndex: -1001,
        ariaLabel: title
      }),
      old && (isSame ? old : { ...old, selected: undefined })
    );
  });
  return [...frames, ...nodes.filter(node => node.type !== 'frame')];
}

/** Returns the earlier object if the node is equal. */
function keepNode(
  model: CanvasModel,
  node: Pick<AnyNode, 'id' | 'type' | 'data' | 'position'>,
  more: () => Partial<AnyNode>,
  before: AnyNode | undefined
): AnyNode {
  const selected = model.selection.ids.has(node.id);
  // A frame that was collapsed has the id of its node.
  const old = before?.type === node.type ? before : undefined;
  // A node under the pointer stays there until it is let go.
  const isHeld = old?.dragging && node.type !== 'frame';
  const position = isHeld ? old.position : node.position;
  const data = isSameData(old?.data, node.data) ? old!.data : node.data;
  const isSame =
    old?.data === data &&
    old.selected === selected &&
    deepEqual(old.position, position);
  return isSame
    ? old
    : ({ ...old, ...node, ...more(), position, data, selected } as AnyNode);
}

/** The graph keeps its nodes, so that identical nodes need no deep comparison. */
function isSameData(
  one: AnyNode['data'] | undefined,
  other: AnyNode['data']
): boolean {
  return one && 'node' in one && 'node' in other
    ? one.node === other.node &&
        one.settings === other.settings &&
        one.shared === other.shared &&
        one.unread === other.unread
    : deepEqual(one, other);
}

/** Converts a model to React Flow's edges; unchanged edges keep their object in `before`. */
export function toEdges(
  model: CanvasModel,
  before: readonly CanvasEdge[]
): CanvasEdge[] {
  const byId = new Map(before.map(edge => [edge.id, edge]));
  const { drawn, drawnSources, routes } = model.drawing;
  const types = new Map<string, string | null>();
  for (const { id, outputs } of drawn.nodes.values()) {
    outputs.forEach(({ name, type }) => types.set(`${id}:${name}`, type));
  }
  const nameOf = (id: string): string =>
    drawn.nodes.get(id)?.members ? drawn.nodes.get(id)!.title : id;
  const links = drawnEdges(drawn);
  const rowLabels = labelsOfRows(links);
  const edges: CanvasEdge[] = [
    ...drawnSources.flatMap(({ id, path, readers }) =>
      readers.map(reader => {
        const { node, port } = memberEnd(reader);
        return {
          id: sourceEdge(id, node, port),
          source: id,
          sourceHandle: SOURCE_PORT,
          target: reader.node,
          targetHandle: reader.port,
          data: { output: null, type: 'File', via: NO_CORNERS, rows: null },
          ariaLabel: `${path} → ${node}`
        };
      })
    ),
    ...links.map(({ id, source, target, sourcePort, targetPort }) => ({
      id,
      source,
      sourceHandle: sourcePort,
      target,
      targetHandle: targetPort,
      data: {
        output: memberEnd({ node: source, port: sourcePort }),
        type: types.get(`${source}:${sourcePort}`) ?? null,
        via: routes.get(id) ?? NO_CORNERS,
        rows: rowLabels.get(id) ?? null
      },
      ariaLabel: `${nameOf(source)} → ${nameOf(target)}`
    }))
  ];
  return edges.map(edge => {
    const old = byId.get(edge.id);
    const isSame =
      old?.data?.type === edge.data!.type &&
      old.source === edge.source &&
      old.target === edge.target &&
      old.data.rows === edge.data!.rows &&
      deepEqual(old.data.via, edge.data!.via);
    return isSame ? old : { ...old, ...edge };
  });
}

/**
 * Assigns the labels of row counts to edges. Edges between the same two nodes lie close together:
 * their labels are at the outputs, one for each output.
 */
function labelsOfRows(
  edges: readonly IGraphEdge[]
): ReadonlyMap<string, 'middle' | 'output'> {
  const bundles = new Map<string, Map<string, string[]>>();
  for (const { id, source, sourcePort, target } of edges) {
    const ends = `${source}\n${target}`;
    const outputs = bundles.get(ends) ?? new Map<string, string[]>();
    bundles.set(ends, outputs);
    outputs.set(sourcePort, [...(outputs.get(sourcePort) ?? []), id]);
  }
  return new Map(
    [...bundles.values()].flatMap(outputs => {
      const lines = [...outputs.values()];
      const place = lines.flat().length > 1 ? 'output' : 'middle';
      return lines.map(([first]) => [first, place] as const);
    })
  );
}

const NO_CORNERS: readonly XYPosition[] = [];

/** Handles of a node, at the positions of the style sheet. */
function handlesOf({ inputs, outputs }: IGraphNode): NodeHandle[] {
  const handle = (side: 'in' | 'out', id: string, row: number): NodeHandle => {
    const { x, y } = portPosition(side, row);
    return {
      id,
      type: side === 'in' ? 'target' : 'source',
      position: (side === 'in' ? 'left' : 'right') as Position,
      x: x - HANDLE_SIZE / 2,
      y: y - HANDLE_SIZE / 2,
      width: HANDLE_SIZE,
      height: HANDLE_SIZE
    };
  };
  return [
    ...inputs.map(({ name }, row) => handle('in', name, row)),
    ...outputs.map(({ name }, row) => handle('out', name, row))
  ];
}
