import { isPosition, type IWorkflow } from './document';
import { compose, type Edit } from './edits';
import { type Data, isRecord, removeIn, setIn, type Value } from './values';
import { removeVariable, setVariable } from './variables';

/** Text note on the canvas. */
export interface INote {
  text: string;
  at: [number, number];
}

/** Titled box around nodes; a collapsed frame is drawn as a single node. */
export interface IFrame {
  title: string;
  nodes: string[];
  isCollapsed?: boolean;
}

/** Data that was put on the canvas. */
interface IPlacedData {
  path: string;
  at: [number, number] | null;
}

const PREFIX = 'data:';

/** The id that data has in the drawing; stages cannot have such names. */
export function sourceId(path: string): string {
  return PREFIX + path;
}

/** The file of a data node's id. */
export function sourcePath(id: string): string | null {
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length) : null;
}

type List = 'notes' | 'frames' | 'data';

/** The note or frame of an id in the drawing; stages cannot have such names. */
export function itemOf(
  id: string
): { list: 'notes' | 'frames'; index: number } | null {
  const match = /^(notes|frames):(\d+)$/.exec(id);
  return match
    ? { list: match[1] as 'notes' | 'frames', index: Number(match[2]) }
    : null;
}

/** Notes of a workflow, from `vars` below its name; DVC ignores variables that no stage uses. */
export function notesOf(workflow: IWorkflow): INote[] {
  return listOf(workflow, 'notes')
    .map(recordOf)
    .map((note, index) => ({
      text: typeof note.text === 'string' ? note.text : '',
      at: isPosition(note.at) ? note.at : [0, -80 - 60 * index]
    }));
}

export function framesOf(workflow: IWorkflow): IFrame[] {
  return listOf(workflow, 'frames')
    .map(recordOf)
    .map(frame => ({
      title: typeof frame.title === 'string' ? frame.title : '',
      nodes: Array.isArray(frame.nodes) ? frame.nodes.map(String) : [],
      ...(frame.collapsed === true && { isCollapsed: true })
    }));
}

export function dataOf(workflow: IWorkflow): IPlacedData[] {
  return listOf(workflow, 'data')
    .map(recordOf)
    .map(data => ({
      path: typeof data.path === 'string' ? data.path : '',
      at: isPosition(data.at) ? data.at : null
    }));
}

function recordOf(value: Value): Data {
  return isRecord(value) ? value : {};
}

function listOf({ vars: { workflow } }: IWorkflow, key: List): Value[] {
  const list = isRecord(workflow) ? workflow[key] : null;
  return Array.isArray(list) ? list : [];
}

function setList(key: List, items: Value[]): Edit {
  return items.length > 0
    ? setVariable(['workflow', key], items)
    : removeVariable(['workflow', key]);
}

function addItem(key: List, item: Data): Edit {
  return workflow => setList(key, [...listOf(workflow, key), item])(workflow);
}

export function addNote({ text, at }: INote): Edit {
  return addItem('notes', { text, at });
}

/** Puts data on the canvas, or moves it there. */
export function placeSource(path: string, at: [number, number]): Edit {
  return workflow => {
    const index = dataOf(workflow).findIndex(one => one.path === path);
    const edit =
      index < 0
        ? addItem('data', { path, at })
        : setPart('data', index, 'at', at);
    return edit(workflow);
  };
}

/** Leaves the place of all data to the automatic layout. */
export function forgetSourcePositions(workflow: IWorkflow): Data {
  const items = listOf(workflow, 'data');
  return dataOf(workflow).some(({ at }) => at !== null)
    ? setList(
        'data',
        items.map(item => (isRecord(item) ? removeIn(item, ['at']) : item))
      )(workflow)
    : workflow.data;
}

/** Moves nodes from their frames to a new frame. */
export function addFrame({ title, nodes, isCollapsed }: IFrame): Edit {
  return compose(
    leaveFrames(new Set(nodes)),
    addItem('frames', {
      title,
      nodes,
      ...(isCollapsed && { collapsed: true })
    })
  );
}

/** Sets a part of a note or a frame. */
export function setPart(
  key: List,
  index: number,
  part: 'text' | 'at' | 'title' | 'nodes',
  value: Value
): Edit {
  return workflow => {
    const items = [...listOf(workflow, key)];
    if (!isRecord(items[index])) {
      return workflow.data;
    }
    items[index] = setIn(items[index], [part], value);
    return setList(key, items)(workflow);
  };
}

/** Collapses or expands a frame. */
export function setCollapsed(index: number, isCollapsed: boolean): Edit {
  return workflow => {
    const items = [...listOf(workflow, 'frames')];
    const frame = items[index];
    if (!isRecord(frame)) {
      return workflow.data;
    }
    items[index] = isCollapsed
      ? setIn(frame, ['collapsed'], true)
      : removeIn(frame, ['collapsed']);
    return setList('frames', items)(workflow);
  };
}

/** Removes notes or frames, but not the content of frames. */
export function removeItems(key: List, indices: ReadonlySet<number>): Edit {
  return workflow => {
    const items = listOf(workflow, key);
    const rest = items.filter((_, index) => !indices.has(index));
    return setList(key, rest)(workflow);
  };
}

/** Removes nodes from all frames; an empty frame is removed. */
export function leaveFrames(ids: ReadonlySet<string>): Edit {
  return workflow => {
    const frames = framesOf(workflow).map(({ nodes }) => ({
      nodes,
      rest: nodes.filter(id => !ids.has(id))
    }));
    const shrunk = [...frames.keys()].filter(
      index => frames[index].rest.length < frames[index].nodes.length
    );
    const empties = shrunk.filter(index => frames[index].rest.length === 0);
    return compose(
      ...shrunk.map(index =>
        setPart('frames', index, 'nodes', frames[index].rest)
      ),
      removeItems('frames', new Set(empties))
    )(workflow);
  };
}
