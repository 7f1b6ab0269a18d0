/** Sub-workflows: nodes of a frame that are copies of nodes of a file. */

import type { IComponent } from '../../api/models';
import { type IWorkflow, parse } from '../document/document';
import {
  extractNodes,
  insertWorkflow,
  setOrigins,
  updateFrom
} from '../document/subworkflows';
import type { XYPosition } from '../graph/geometry';
import { buildGraph } from '../graph/graph';
import { collapse, groupsOf, memberEnd } from '../graph/groups';
import { placeNodes } from '../graph/layout';
import type { CanvasModel } from './model';

/** Parses a workflow; throws if invalid. */
export function readWorkflow(text: string, path: string): IWorkflow {
  const { document, error } = parse(text, path);
  if (!document) {
    throw new Error(`${path}: line ${error.line}`);
  }
  return document;
}

/** Returns the text of a new file with the nodes of a frame. */
export function subworkflowText(
  { document, drawing }: CanvasModel,
  index: number,
  path: string
): string {
  const { nodes, title } = drawing.frames[index];
  const ids = new Set(nodes);
  const { workflow } = document;
  return extractNodes(workflow, ids, drawing.positions, path, title);
}

/** Links the nodes of a frame to a file that was written from them. */
export function linkSubworkflow(
  { document, drawing: { frames, graph } }: CanvasModel,
  index: number,
  path: string
): void {
  const members = frames[index].nodes.filter(id => graph.nodes.has(id));
  document.edit(setOrigins(path, new Map(members.map(id => [id, id]))));
}

/** Adds the nodes of a file as a collapsed frame, and selects it. */
export function insertSubworkflow(
  { catalog, document, drawing, selection }: CanvasModel,
  source: IWorkflow,
  place: XYPosition
): void {
  const places = placeNodes(buildGraph(source, catalog.components));
  const { workflow } = document;
  if (document.edit(insertWorkflow(workflow, source, places, place))) {
    selection.select([`frames:${drawing.frames.length - 1}`]);
  }
}

/** Updates the nodes of a frame from their file. */
export function updateSubworkflow(
  { document, drawing }: CanvasModel,
  index: number,
  source: IWorkflow
): void {
  document.edit(updateFrom(source, drawing.frames[index].nodes));
}

/** Workflow of the project with its inputs and outputs. Optional inputs are left out. */
export interface IReusable {
  path: string;
  title: string;
  inputs: string[];
  outputs: string[];
}

/** Returns the ports of a workflow as those of a single node. */
export function reusable(
  source: IWorkflow,
  components: ReadonlyMap<string, IComponent>
): IReusable {
  const graph = buildGraph(source, components);
  const frame = {
    title: '',
    nodes: [...graph.nodes.keys()],
    isCollapsed: true
  };
  const none = { nodes: new Map(), edges: [] };
  const drawn = collapse(graph, [frame], groupsOf(graph, [frame]), none);
  const node = drawn.nodes.get('frames:0');
  const namesOf = (ports: readonly { name: string }[] = []): string[] => [
    ...new Set(
      ports.map(({ name }) => memberEnd({ node: 'frames:0', port: name }).port)
    )
  ];
  return {
    path: source.path,
    title: source.title || source.path,
    inputs: namesOf(node?.inputs.filter(({ required }) => required)),
    outputs: namesOf(node?.outputs)
  };
}
