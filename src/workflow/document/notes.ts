import { isMap, isSeq, type YAMLSeq } from 'yaml';

import { isRecord, type IWorkflowDocument } from './document';
import { compose, setVariable, variableEntry, type Edit } from './edits';
import {
  addEntry,
  addItem as addToList,
  entryOf,
  removeFromList,
  removeFromMap,
  replaceNode,
  type Entry
} from './ranges';
import type { Value } from './scalars';
import { inOrder, type ISplice } from './splices';

/** Words on the canvas. */
export interface INote {
  text: string;
  at: [number, number];
}

/** A box around nodes, with a title. */
export interface IFrame {
  title: string;
  nodes: string[];
}

/** Data that was put on the canvas. */
export interface IPlacedData {
  path: string;
  at: [number, number] | null;
}

const PREFIX = 'data:';

/** The id that data has in the drawing; stages cannot have such names. */
export function sourceId(path: string): string {
  return PREFIX + path;
}

/** The file that an id of the drawing stands for. */
export function sourcePath(id: string): string | null {
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length) : null;
}

type List = 'notes' | 'frames' | 'data';

/** The note or frame that an id of the drawing stands for; stages cannot have such names. */
export function itemOf(
  id: string
): { list: 'notes' | 'frames'; index: number } | null {
  const match = /^(notes|frames):(\d+)$/.exec(id);
  return match
    ? { list: match[1] as 'notes' | 'frames', index: Number(match[2]) }
    : null;
}

/** What stands in `vars` below the workflow's name; DVC ignores what no stage uses. */
export function notesOf(document: IWorkflowDocument): INote[] {
  return listOf(document, 'notes').map((note, index) => ({
    text: typeof note.text === 'string' ? note.text : '',
    at: isPlace(note.at) ? note.at : [0, -80 - 60 * index]
  }));
}

export function framesOf(document: IWorkflowDocument): IFrame[] {
  return listOf(document, 'frames').map(frame => ({
    title: typeof frame.title === 'string' ? frame.title : '',
    nodes: Array.isArray(frame.nodes) ? frame.nodes.map(String) : []
  }));
}

export function dataOf(document: IWorkflowDocument): IPlacedData[] {
  return listOf(document, 'data').map(data => ({
    path: typeof data.path === 'string' ? data.path : '',
    at: isPlace(data.at) ? data.at : null
  }));
}

function listOf(
  document: IWorkflowDocument,
  key: List
): Record<string, Value>[] {
  const { workflow } = document.vars;
  const list = isRecord(workflow) ? workflow[key] : null;
  return (Array.isArray(list) ? list : []).map(one =>
    isRecord(one) ? one : {}
  );
}

export function isPlace(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every(one => Number.isFinite(one))
  );
}

function entryFor(document: IWorkflowDocument, key: List): Entry | null {
  const vars = entryOf(document.source.yaml.contents, 'vars');
  return entryOf(variableEntry(vars, 'workflow')?.pair.value, key);
}

export function addItem(
  document: IWorkflowDocument,
  key: List,
  value: Value
): ISplice[] {
  const { source } = document;
  const entry = entryFor(document, key);
  return entry
    ? inOrder(source.text, addToList(source, entry, value))
    : setVariable(document, ['workflow', key], [value]);
}

export function addNote(document: IWorkflowDocument, note: INote): ISplice[] {
  return addItem(document, 'notes', { text: note.text, at: note.at });
}

/** Puts data on the canvas, or moves it there. */
export function placeSource(
  document: IWorkflowDocument,
  path: string,
  at: [number, number]
): ISplice[] {
  const index = dataOf(document).findIndex(one => one.path === path);
  return index < 0
    ? addItem(document, 'data', { path, at })
    : setPart(document, 'data', index, 'at', at);
}

/** Puts nodes into a frame of their own; they leave the frames that they were in. */
export function addFrame(
  document: IWorkflowDocument,
  frame: IFrame
): ISplice[] {
  const { title, nodes } = frame;
  return compose(document, [
    now => leaveFrames(now, new Set(nodes)),
    now => addItem(now, 'frames', { title, nodes })
  ]);
}

/** Sets a part of a note or a frame. */
export function setPart(
  document: IWorkflowDocument,
  key: List,
  index: number,
  part: 'text' | 'at' | 'title' | 'nodes',
  value: Value
): ISplice[] {
  const { source } = document;
  const list = entryFor(document, key)?.value;
  const item = isSeq(list) ? list.items[index] : null;
  if (!isMap(item)) {
    return [];
  }
  const old = entryOf(item, part);
  if (old?.value) {
    return inOrder(source.text, [replaceNode(source, old.value, value, true)]);
  }
  const holder = { key: null, value: item } as never;
  return inOrder(source.text, addEntry(source, holder, part, value, 0));
}

/** Removes notes or frames; what the frames held stays. */
export function removeItems(
  document: IWorkflowDocument,
  key: List,
  gone: ReadonlySet<number>
): ISplice[] {
  const { source } = document;
  const vars = entryOf(source.yaml.contents, 'vars');
  const workflow = variableEntry(vars, 'workflow')?.pair.value;
  const list = entryOf(workflow, key)?.value;
  if (!isMap(workflow) || !isSeq(list) || gone.size === 0) {
    return [];
  }
  return inOrder(
    source.text,
    gone.size >= list.items.length
      ? removeFromMap(source, workflow as never, new Set([key]))
      : removeFromList(source, list as YAMLSeq, gone)
  );
}

/** Takes nodes out of all frames; a frame that is empty then goes. */
export function leaveFrames(
  document: IWorkflowDocument,
  ids: ReadonlySet<string>
): ISplice[] {
  const frames = framesOf(document);
  const rest = frames.map(({ nodes }) => nodes.filter(id => !ids.has(id)));
  const emptied = new Set(
    [...frames.keys()].filter(
      index => rest[index].length === 0 && frames[index].nodes.length > 0
    )
  );
  const shrunk = [...frames.keys()].filter(
    index =>
      !emptied.has(index) && rest[index].length < frames[index].nodes.length
  );
  return compose(document, [
    ...shrunk.map(
      (index): Edit =>
        now =>
          setPart(now, 'frames', index, 'nodes', rest[index])
    ),
    now => removeItems(now, 'frames', emptied)
  ]);
}
