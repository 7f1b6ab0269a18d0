import {
  bodyOf,
  isPosition,
  type IWorkflow,
  pathOf,
  stagesOf
} from './document';
import { compose, type Edit } from './edits';
import { freeId } from './nodes';
import {
  addFrame,
  dataOf,
  type IFrame,
  placeSource,
  sourceId,
  sourcePath
} from './notes';
import { basename, dirname, join, relative } from './paths';
import { newFile } from './rename';
import { namesIn, renameMentions } from './templates';
import {
  type Data,
  escapePattern,
  isRecord,
  mapStrings,
  setIn
} from './values';
import { setVariable } from './variables';

interface IClipNode {
  id: string;
  /** Body as in the file. */
  stage: Data;
  /** The folder of its commands, from the project's root. */
  folder: string;
  at: [number, number];
}

/** Nodes on the clipboard, as readable JSON. */
export interface IClip {
  mlws: 'nodes';
  /** The file they are from, from the project's root. */
  path: string;
  /** True if the nodes were cut. */
  cut: boolean;
  nodes: IClipNode[];
  /** The variables that they read. */
  vars: Data;
  /** Data nodes of the selection; paths from the project's root. */
  data?: { path: string; at: [number, number] }[];
  /** The frames around them. */
  frames?: IFrame[];
}

export function copyNodes(
  document: IWorkflow,
  ids: ReadonlySet<string>,
  places: ReadonlyMap<string, { x: number; y: number }>,
  cut = false,
  frames: readonly IFrame[] = []
): IClip {
  const placeOf = (id: string): [number, number] => {
    const { x, y } = places.get(id) ?? { x: 0, y: 0 };
    return [Math.round(x), Math.round(y)];
  };
  const nodes = document.stages
    .filter(stage => ids.has(stage.id))
    .map(({ id, folder }) => {
      const stage = stagesOf(document.data)[id] as Data;
      return { id, stage, folder, at: placeOf(id) };
    });
  const data = [...ids].flatMap(id => {
    const path = sourcePath(id);
    return path === null ? [] : [{ path, at: placeOf(id) }];
  });
  const read = new Set(namesIn(nodes.map(node => node.stage)));
  const vars = Object.fromEntries(
    Object.entries(document.vars).filter(([name]) => read.has(name))
  );
  return {
    mlws: 'nodes',
    path: document.path,
    cut,
    nodes,
    vars,
    data,
    ...(frames.length > 0 && { frames: [...frames] })
  };
}

/** Parses a clip; null if the text is not one. */
export function readClip(text: string): IClip | null {
  let clip: unknown;
  try {
    clip = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) {
      return null; // Any text may be on the clipboard.
    }
    throw error;
  }
  return isClip(clip) ? clip : null;
}

function isClip(clip: unknown): clip is IClip {
  if (!isRecord(clip)) {
    return false;
  }
  const { nodes, data = [], frames = [] } = clip;
  return (
    clip.mlws === 'nodes' &&
    typeof clip.path === 'string' &&
    isRecord(clip.vars) &&
    Array.isArray(nodes) &&
    Array.isArray(data) &&
    Array.isArray(frames) &&
    frames.every(
      one =>
        isRecord(one) &&
        typeof one.title === 'string' &&
        Array.isArray(one.nodes) &&
        one.nodes.every(id => typeof id === 'string')
    ) &&
    nodes.length + data.length > 0 &&
    data.every(
      one => isRecord(one) && typeof one.path === 'string' && isPosition(one.at)
    ) &&
    nodes.every(
      node =>
        isRecord(node) &&
        typeof node.id === 'string' &&
        typeof node.folder === 'string' &&
        isRecord(node.stage) &&
        isPosition(node.at)
    )
  );
}

/** Returns the names of the pasted nodes, and the edit that adds them. */
export function pasteNodes(
  document: IWorkflow,
  clip: IClip,
  /** Upper left corner of the pasted nodes. */
  corner: { x: number; y: number }
): { ids: string[]; edit: Edit } {
  const names = new Map<string, string>();
  for (const { id } of clip.nodes) {
    names.set(id, freeId(document, id, names.values()));
  }
  const files = newFiles(document, clip, names);
  const data = clip.data ?? [];
  const [left, top] = cornerOf(clip);
  const toPosition = ([x, y]: [number, number]): [number, number] => [
    Math.round(x - left + corner.x),
    Math.round(y - top + corner.y)
  ];
  const edits: Edit[] = newVariables(document, clip, names);
  for (const node of clip.nodes) {
    const stage = rewriteNode(document, clip, node, names, files);
    const at = toPosition(node.at);
    const target =
      bodyOf(stage) === stage
        ? setIn(stage, ['meta', 'at'], at)
        : setIn(stage, ['do', 'meta', 'at'], at);
    edits.push(now => setIn(now.data, ['stages', names.get(node.id)!], target));
  }
  // A file is one node of a canvas, however many nodes read it.
  const paths = new Set(dataOf(document).map(one => one.path));
  for (const { path, at } of data) {
    if (!paths.has(path)) {
      edits.push(placeSource(path, toPosition(at)));
    }
  }
  for (const frame of clip.frames ?? []) {
    const own = frame.nodes.flatMap(id => names.get(id) ?? []);
    if (own.length > 0) {
      edits.push(addFrame({ ...frame, nodes: own }));
    }
  }
  return {
    ids: [...names.values(), ...data.map(one => sourceId(one.path))],
    edit: compose(...edits)
  };
}

/** The upper left corner of a clip. */
export function cornerOf(clip: IClip): [number, number] {
  const places = [...clip.nodes, ...(clip.data ?? [])].map(one => one.at);
  return [
    Math.min(...places.map(at => at[0])),
    Math.min(...places.map(at => at[1]))
  ];
}

function newVariables(
  document: IWorkflow,
  clip: IClip,
  names: ReadonlyMap<string, string>
): Edit[] {
  return Object.entries(clip.vars).flatMap(([name, value]): Edit[] => {
    const target = names.get(name) ?? name;
    return target in document.vars ? [] : [setVariable([target], value)];
  });
}

const LISTS = ['outs', 'metrics', 'plots'];

function pathsIn(stage: Data, lists: string[]): string[] {
  const body = bodyOf(stage);
  return lists
    .flatMap(list => (Array.isArray(body[list]) ? body[list] : []))
    .flatMap(item => pathOf(item) ?? []);
}

/** Output paths of the copies, by the old path from the root: no two stages may write the same. */
function newFiles(
  document: IWorkflow,
  clip: IClip,
  names: ReadonlyMap<string, string>
): Map<string, string> {
  const claims = new Set(
    document.stages.flatMap(stage =>
      stage.outs.map(out => join(stage.folder, out.raw))
    )
  );
  const files = new Map<string, string>();
  for (const { id, stage, folder } of clip.nodes) {
    for (const raw of pathsIn(stage, LISTS)) {
      const old = join(folder, raw);
      const target = moveTo(old, dirname(clip.path), dirname(document.path));
      const isFree =
        !claims.has(target) &&
        (target !== old || clip.cut || clip.path === document.path);
      const path = isFree
        ? target
        : freePath(target, id, names.get(id)!, claims);
      claims.add(path);
      files.set(old, path);
    }
  }
  return files;
}

function moveTo(path: string, from: string, to: string): string {
  return from !== '' && path.startsWith(`${from}/`)
    ? join(to, path.slice(from.length + 1))
    : path;
}

/** Returns an unused path: with the new node's name instead of the old name, else with a number. */
function freePath(
  path: string,
  id: string,
  name: string,
  claims: ReadonlySet<string>
): string {
  const sibling = newFile(path, id, name);
  if (sibling !== null && !claims.has(sibling)) {
    return sibling;
  }
  const file = basename(path);
  const dot = file.indexOf('.', 1);
  const [stem, extension] =
    dot < 0 ? [file, ''] : [file.slice(0, dot), file.slice(dot)];
  let free = path;
  for (let count = 2; claims.has(free) || free === path; count += 1) {
    free = join(dirname(path), `${stem}_${count}${extension}`);
  }
  return free;
}

/** A stage with the new names of its files and settings. */
export function rewriteNode(
  document: IWorkflow,
  clip: IClip,
  node: IClipNode,
  names: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, string>
): Data {
  const { folder } = node;
  const newPaths = new Map<string, string>();
  for (const raw of pathsIn(node.stage, [...LISTS, 'deps'])) {
    const path = newPath(join(folder, raw), files);
    if (path !== null) {
      newPaths.set(raw, relative(folder, path));
    }
  }
  const inner = bodyOf(node.stage);
  const body: Data = {};
  const home = dirname(document.path);
  const isMoved = home !== dirname(clip.path);
  if (isMoved && relative(home, folder) !== '.') {
    body.wdir = relative(home, folder);
  }
  for (const [key, value] of Object.entries(inner)) {
    if (key === 'wdir' && isMoved) {
      continue;
    }
    body[key] = mapStrings(value, text =>
      renameMentions(
        key === 'cmd'
          ? replaceWords(text, newPaths)
          : (newPaths.get(text) ?? text),
        names
      )
    );
  }
  return inner === node.stage
    ? body
    : {
        ...mapStrings(node.stage, text => renameMentions(text, names)),
        do: body
      };
}

/** The new path of a file, or of a file in a folder that moves; null if it stays. */
function newPath(
  path: string,
  files: ReadonlyMap<string, string>
): string | null {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const now = files.get(path.slice(0, end));
    if (now !== undefined) {
      return now + path.slice(end);
    }
  }
  return null;
}

function replaceWords(
  text: string,
  words: ReadonlyMap<string, string>
): string {
  return [...words].reduce((command, [old, now]) => {
    const word = new RegExp(
      `(^|[\\s='"])${escapePattern(old)}(?=$|[\\s'"])`,
      'gu'
    );
    return command.replace(word, (_, before: string) => before + now);
  }, text);
}
