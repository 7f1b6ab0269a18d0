/** Edits by users of the canvas, with the selection that follows each. */

import type { IRepair } from '../../api/models';
import type { IWorkflow } from '../document/document';
import { compose, type Edit } from '../document/edits';
import {
  addCommandNode,
  addInput,
  connect as connectPort,
  disconnect as disconnectPort,
  freeId,
  type IConnection,
  removeNodes,
  setFileInput
} from '../document/nodes';
import {
  addFrame,
  addNote as addNoteItem,
  itemOf,
  leaveFrames,
  placeSource,
  removeItems,
  setCollapsed,
  setPart,
  sourceId,
  sourcePath
} from '../document/notes';
import { renameNode } from '../document/rename';
import { fileNode, nameOf, runnerOf, setFrozen } from '../document/stages';
import type { Value } from '../document/values';
import { setSetting } from '../document/variables';
import { aligned, type Alignment } from '../graph/align';
import { bridgesOf, refusalOf } from '../graph/connections';
import { furtherLinks, insertionOf } from '../graph/choices';
import { NODE_WIDTH, nodeBox, type XYPosition } from '../graph/geometry';
import {
  ANY_INPUT,
  buildGraph,
  type IEnd,
  type IGraph,
  type IGraphEdge,
  type IGraphPort,
  type ILink,
  linkBetween,
  linkKey
} from '../graph/graph';
import { repairEdge } from '../graph/repairs';
import {
  leaveSource,
  readSource,
  removeSource,
  sourceEdge
} from '../graph/sources';
import { memberLink } from '../graph/groups';
import { inheritedTarget } from '../graph/target';
import { COLUMN_GAP } from '../graph/wrapping';
import { addComponentNode } from './newNode';
import { PYTHON_CODE } from './components';
import type { CanvasModel } from './model';

/** The component that reads a registered model. */
const LOAD_MODEL = 'load_model';
/** The component that reads a file as a table. */
const LOAD_TABLE = 'load_table';
/** Between files that are put on the canvas together, in pixels. */
const FILE_DISTANCE = 140;

/** Connection of a new node: to a port, or to a file. */
type NewLink = { port: string } & ({ end: IEnd } | { file: string });

// Nodes

/** Adds a node of a component, connected by `link`, and selects it. */
export function addComponent(
  model: CanvasModel,
  name: string,
  place: XYPosition,
  link?: NewLink,
  settings: Record<string, Value> = {}
): void {
  const { catalog, document, selection } = model;
  // The new node may depend on pending edits.
  document.flush();
  const component = catalog.components.get(name);
  if (name === PYTHON_CODE) {
    createComponent(model, own => addComponent(model, own, place, link));
    return;
  }
  if (!component) {
    return;
  }
  const id = freeId(document.workflow, name);
  const at: [number, number] = [place.x, place.y];
  const edits: Edit[] = [addComponentNode(component, id, at)];
  if (link && 'file' in link) {
    edits.push(setFileInput(id, link.port, link.file));
  } else if (link) {
    edits.push(now => {
      const graph = buildGraph(now, catalog.components);
      const ends = linkBetween(link.end, id, link.port);
      if (refusalOf(graph, ends)) {
        return now.data;
      }
      const target = inheritedTarget(graph, now, link.end.node, component);
      const connected = connectPort(connectionOf(graph, ends));
      const further =
        link.end.side === 'source' ? furtherLinks(graph, ends) : [];
      return compose(
        connected,
        ...further.map(one => connection(graph, one)),
        ...targetEdits(id, target)
      )(now);
    });
  }
  edits.push(...settingEdits(id, settings));
  if (document.edit(compose(...edits))) {
    selection.select([id]);
  }
}

function settingEdits(id: string, settings: Record<string, Value>): Edit[] {
  return Object.entries(settings).map(([key, value]) =>
    setSetting(id, [key], value)
  );
}

/** Has the server create a component of the project, and adds a node of it. */
function createComponent(
  { catalog, server }: CanvasModel,
  add: (name: string) => void
): void {
  void server.ask(
    service => service.code.create(),
    component => {
      catalog.add(component);
      add(component.name);
    }
  );
}

/** Inserts a node of a component into an edge; false if it does not fit. */
export function insertComponent(
  model: CanvasModel,
  name: string,
  link: ILink,
  place: XYPosition,
  settings: Record<string, Value> = {}
): boolean {
  const { catalog, document, drawing, selection } = model;
  document.flush();
  const component = catalog.components.get(name);
  const ports = component && insertionOf(drawing.graph, link, component);
  if (!component || !ports) {
    return false;
  }
  if (name === PYTHON_CODE) {
    createComponent(model, own => insertComponent(model, own, link, place));
    return true;
  }
  const id = freeId(document.workflow, name);
  const at: [number, number] = [Math.round(place.x), Math.round(place.y)];
  const { source, sourcePort, target, targetPort } = link;
  const file = sourcePath(source);
  const graphOf = (now: IWorkflow): IGraph =>
    buildGraph(now, catalog.components);
  const edits: Edit[] = [
    addComponentNode(component, id, at),
    ...settingEdits(id, settings),
    file !== null
      ? setFileInput(id, ports.input, file)
      : now =>
          connectPort(
            connectionOf(graphOf(now), {
              source,
              sourcePort,
              target: id,
              targetPort: ports.input
            })
          )(now),
    ...(file !== null
      ? [leaveSource(file, target, targetPort)]
      : drawing.graph.edges
          .filter(edge => linkKey(edge) === linkKey(link))
          .map(edge => disconnectPort(linkOf(edge)))),
    now =>
      connectPort(
        connectionOf(graphOf(now), {
          source: id,
          sourcePort: ports.output,
          target,
          targetPort
        })
      )(now)
  ];
  const isDone = document.edit(compose(...edits));
  if (isDone) {
    selection.select([id]);
  }
  return isDone;
}

/** Applies a problem's repair: settings of the node, or a node inserted before an input. */
export function repair(
  model: CanvasModel,
  id: string,
  { settings, component, port, before_split }: IRepair
): void {
  const values = settings as Record<string, Value>;
  model.document.flush();
  if (component === null) {
    model.document.edit(compose(...settingEdits(id, values)));
    return;
  }
  const { graph, positions } = model.drawing;
  const edge = repairEdge(graph, id, port, before_split);
  const from = edge && positions.get(edge.source);
  const to = edge && positions.get(edge.target);
  if (edge && from && to) {
    const place = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
    insertComponent(model, component, edge, place, values);
  }
}

/** Adds a data file: its node, and a node that reads it as a table. */
export function startWithFile(
  model: CanvasModel,
  path: string,
  place: XYPosition
): void {
  const at = { x: place.x + NODE_WIDTH + COLUMN_GAP, y: place.y };
  addComponent(model, LOAD_TABLE, at, { port: 'file', file: path });
}

/** Adds a node that reads a version of a registered model. */
export function addModel(
  model: CanvasModel,
  name: string,
  version: number,
  place: XYPosition,
  link?: NewLink
): void {
  addComponent(model, LOAD_MODEL, place, link, { name, version });
}

/**
 * Adds files below each other in a single step: scripts and notebooks as nodes, others as data. The
 * paths are from the project's root.
 */
export function addFiles(
  { document, selection }: CanvasModel,
  paths: readonly string[],
  { x, y }: XYPosition
): void {
  const { workflow } = document;
  const ids: string[] = [];
  const edits = paths.map((path, row) => {
    const at: [number, number] = [
      Math.round(x),
      Math.round(y + row * FILE_DISTANCE)
    ];
    if (runnerOf(path) === null) {
      ids.push(sourceId(path));
      return placeSource(path, at);
    }
    const id = freeId(workflow, nameOf(path), ids);
    ids.push(id);
    return addCommandNode(fileNode(workflow, id, path, at));
  });
  document.edit(compose(...edits));
  selection.select(ids);
}

/** Adds a node whose command is still to be written. */
export function addShell(
  { document, selection }: CanvasModel,
  place: XYPosition
): void {
  const id = freeId(document.workflow, 'command');
  const at: [number, number] = [place.x, place.y];
  if (document.edit(addCommandNode({ id, cmd: 'echo', at }))) {
    selection.select([id]);
  }
}

export function rename(
  { document, drawing, selection }: CanvasModel,
  id: string,
  name: string
): void {
  drawing.keepPlace(id, name);
  if (document.edit(renameNode(id, name))) {
    selection.select([name]);
  }
}

/** Freezes or thaws the selected nodes. */
export function freeze(
  { document, selection }: CanvasModel,
  frozen: boolean
): void {
  const { nodes } = selection;
  document.edit(setFrozen(nodes, frozen));
}

/** Lines the selected nodes up, or spreads them evenly. */
export function align(
  { drawing, selection }: CanvasModel,
  how: Alignment
): void {
  const boxes = [...selection.ids].flatMap(id => {
    const node = drawing.drawn.nodes.get(id);
    return node ? [{ id, ...nodeBox(node, drawing.positions.get(id)!) }] : [];
  });
  drawing.move(aligned(boxes, how));
}

/**
 * Removes the selection, with selected edges. Readers of a removed node that passes data through
 * are connected to its input.
 */
export function removeSelected({
  document,
  drawing,
  selection
}: CanvasModel): void {
  const { nodes, ids } = selection;
  const items = (list: 'notes' | 'frames'): Set<number> =>
    new Set(
      [...ids].flatMap(id => {
        const item = itemOf(id);
        return item?.list === list ? [item.index] : [];
      })
    );
  const [notes, frames] = [items('notes'), items('frames')];
  const links = new Set(
    drawing.graph.edges.filter(({ id }) => selection.edges.has(id)).map(linkKey)
  );
  const edges = drawing.graph.edges.filter(
    edge =>
      links.has(linkKey(edge)) &&
      !nodes.has(edge.target) &&
      !nodes.has(edge.source)
  );
  const sources = drawing.sources.filter(({ id }) => ids.has(id));
  const lines = drawing.sources
    .filter(source => !sources.includes(source))
    .flatMap(({ id, path, readers }) =>
      readers
        .filter(
          ({ node, port }) =>
            selection.edges.has(sourceEdge(id, node, port)) && !nodes.has(node)
        )
        .map(reader => ({ path, ...reader }))
    );
  const bridges = bridgesOf(
    drawing.graph,
    drawing.sources,
    new Set([...nodes, ...sources.map(({ id }) => id)])
  );
  document.edit(
    compose(
      ...bridges.map(link => connection(drawing.graph, link)),
      ...edges.map(edge => disconnectPort(linkOf(edge))),
      ...lines.map(({ path, node, port }) => leaveSource(path, node, port)),
      ...sources.map(removeSource),
      removeItems('notes', notes),
      removeItems('frames', frames),
      leaveFrames(nodes),
      removeNodes(nodes)
    )
  );
}

// Notes and frames

export function addNote(
  { document, drawing, selection }: CanvasModel,
  text: string,
  { x, y }: XYPosition
): void {
  const at: [number, number] = [Math.round(x), Math.round(y)];
  if (document.edit(addNoteItem({ text, at }))) {
    selection.select([`notes:${drawing.notes.length - 1}`]);
  }
}

/** Puts the selected nodes into a frame. */
export function group(
  { document, drawing, selection }: CanvasModel,
  title: string
): void {
  const nodes = [...selection.nodes];
  if (nodes.length > 0 && document.edit(addFrame({ title, nodes }))) {
    selection.select([`frames:${drawing.frames.length - 1}`]);
  }
}

/** The selected frame, or the frame with the selected nodes; null if there is not exactly one. */
export function selectedFrame({
  drawing: { frames },
  selection
}: CanvasModel): number | null {
  const item = itemOf(selection.single ?? '');
  const { nodes } = selection;
  const index =
    item?.list === 'frames'
      ? item.index
      : frames.findIndex(
          frame =>
            nodes.size > 0 && [...nodes].every(id => frame.nodes.includes(id))
        );
  return index >= 0 && index < frames.length ? index : null;
}

/** Collapses or expands a frame. */
export function toggleCollapsed(
  model: CanvasModel,
  index = selectedFrame(model)
): void {
  const { document, drawing, selection } = model;
  const frame = drawing.frames[index ?? -1];
  if (frame && document.edit(setCollapsed(index!, !frame.isCollapsed))) {
    selection.select([`frames:${index}`]);
  }
}

export function setNote(
  { document, drawing }: CanvasModel,
  index: number,
  text: string
): void {
  if (drawing.notes[index]?.text !== text) {
    document.edit(setPart('notes', index, 'text', text));
  }
}

export function setFrameTitle(
  { document, drawing }: CanvasModel,
  index: number,
  title: string
): void {
  if (drawing.frames[index]?.title !== title) {
    document.edit(setPart('frames', index, 'title', title));
  }
}

// Connections

/** Connects two ports of the drawing. */
export function connect(
  { document, drawing }: CanvasModel,
  drawn: ILink
): void {
  document.flush();
  const { graph } = drawing;
  const link = memberLink(drawn);
  const refusal = refusalOf(graph, link);
  if (refusal) {
    document.refuse(refusal);
    return;
  }
  const node = graph.nodes.get(link.target)!;
  const target =
    sourcePath(link.source) === null
      ? inheritedTarget(graph, document.workflow, link.source, node)
      : undefined;
  document.edit(
    compose(connection(graph, link), ...targetEdits(link.target, target))
  );
}

/** Returns the edit of a connection, whose source may be data. */
function connection(graph: IGraph, link: ILink): Edit {
  const path = sourcePath(link.source);
  return path === null
    ? connectPort(connectionOf(graph, link))
    : readSource(path, link.target, portOf(graph, link));
}

function targetEdits(id: string, target: string | undefined): Edit[] {
  return target === undefined ? [] : [setSetting(id, ['target'], target)];
}

export function disconnect({ document }: CanvasModel, edge: IGraphEdge): void {
  document.edit(disconnectPort(linkOf(edge)));
}

/** Lets an input read a file; the path is from the project's root. */
export function setInputFile(
  { document }: CanvasModel,
  id: string,
  port: string,
  path: string
): void {
  document.edit(
    port === ANY_INPUT ? addInput(id, path) : setFileInput(id, port, path)
  );
}

/** The input of a connection. */
function portOf(graph: IGraph, { target, targetPort }: ILink): IGraphPort {
  return graph.nodes
    .get(target)!
    .inputs.find(port => port.name === targetPort)!;
}

function connectionOf(graph: IGraph, link: ILink): IConnection {
  const { source, sourcePort, target, targetPort } = link;
  const { paths } = graph.nodes
    .get(source)!
    .outputs.find(port => port.name === sourcePort)!;
  const input = portOf(graph, link);
  const port = targetPort === ANY_INPUT ? null : targetPort;
  // The connection of a single-file input is replaced.
  const replaces = input.multiple ? [] : input.paths;
  return { source, path: paths[0], target, port, replaces };
}

function linkOf({
  path,
  target,
  targetPort
}: IGraphEdge): Pick<IConnection, 'path' | 'target' | 'port'> {
  return { path, target, port: targetPort === ANY_INPUT ? null : targetPort };
}
