import {
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLSeq
} from 'yaml';

import {
  parse,
  stageEntry,
  type IStage,
  type IWorkflowDocument
} from './document';
import { stageOf, variableEntry } from './edits';
import { basename, dirname, relative } from './paths';
import {
  contentEnd,
  entryOf,
  replaceNode,
  startOf,
  type ISource
} from './ranges';
import { applySplices, inOrder, type ISplice } from './splices';

/** Why a node can't have a name: DVC does not accept it, the server uses it, or a node has it. */
export type NameFault = 'shape' | 'reserved' | 'taken';

const NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_-]*$/u;

export function nameFault(
  document: IWorkflowDocument,
  id: string,
  name: string
): NameFault | null {
  if (!NAME.test(name)) {
    return 'shape';
  }
  if (name === 'workflow') {
    return 'reserved';
  }
  const isTaken = document.stages.some(stage => stage.id === name);
  return name !== id && isTaken ? 'taken' : null;
}

/**
 * Gives a stage another name.
 *
 * Its settings' variable goes along where no other stage reads it. So do the files that are named
 * after it, where all commands name them that make or read them: components name a model by its
 * file. The server finds the results under the new names.
 */
export function renameNode(
  document: IWorkflowDocument,
  id: string,
  name: string
): ISplice[] {
  const { source } = document;
  stageOf(document, id);
  if (nameFault(document, id, name)) {
    throw new Error(`"${name}" cannot be the name of a stage.`);
  }
  const entry = stageEntry(source, id)!;
  return inOrder(source.text, [
    replaceNode(source, entry.key, name, true),
    ...renameVariable(document, id, name),
    ...renameFiles(document, id, name),
    ...membersOf(source)
      .filter(member => String(member.value) === id)
      .map(member => replaceNode(source, member, name, true))
  ]);
}

/** A variable that has the stage's name, if the stage alone reads it, with what reads it. */
function renameVariable(
  document: IWorkflowDocument,
  id: string,
  name: string
): ISplice[] {
  const { source, vars } = document;
  const vars_ = entryOf(source.yaml.contents, 'vars');
  const holder = variableEntry(vars_, id);
  if (!holder || name in vars) {
    return [];
  }
  const entry = stageEntry(source, id)!;
  const start = startOf(source, entry.key);
  const end = contentEnd(source, entry.value!);
  const mentions = mentionsOf(source.text, id);
  if (mentions.some(offset => offset < start || offset >= end)) {
    return [];
  }
  return [
    replaceNode(source, holder.pair.key, name, true),
    ...mentions.map(offset => ({ offset, delete: id.length, insert: name }))
  ];
}

/** The files that are named after a stage, renamed where it and its readers name them. */
function renameFiles(
  document: IWorkflowDocument,
  id: string,
  name: string
): ISplice[] {
  const { source, stages, path } = document;
  const splices = stageOf(document, id).outs.flatMap(out =>
    renameFile(document, new Set(out.paths), id, name)
  );
  const { document: after } = parse(
    applySplices(source.text, inOrder(source.text, splices)),
    path,
    document
  );
  // A path may be written in a way that is not found in the text, as by escapes: all stay then.
  const filesOf = (all: readonly IStage[]): string[] =>
    all.flatMap(stage =>
      [...stage.outs, ...stage.deps, ...stage.args].flatMap(one => one.paths)
    );
  const mine = new Set(stageOf(document, id).outs.flatMap(out => out.paths));
  const expected = filesOf(stages).map(file =>
    mine.has(file) ? (newFile(file, id, name) ?? file) : file
  );
  return after && filesOf(after.stages).join('\n') === expected.join('\n')
    ? splices
    : [];
}

/**
 * One file, or those of a sweep's variants; none where something else has the name, or where a
 * program has the file's name in itself.
 */
function renameFile(
  document: IWorkflowDocument,
  files: ReadonlySet<string>,
  id: string,
  name: string
): ISplice[] {
  const { source, stages } = document;
  const entries = stages.flatMap(stage =>
    [...stage.outs, ...stage.deps].map(written => ({ stage, ...written }))
  );
  const taken = new Set(entries.flatMap(one => one.paths));
  const mentions = entries.filter(one => one.paths.some(p => files.has(p)));
  const isRenamable =
    ![...files].some(file => taken.has(newFile(file, id, name) ?? '')) &&
    mentions.every(({ stage, raw }) =>
      stage.commands.some(command => pathsIn(command, raw).length > 0)
    );
  if (!isRenamable) {
    return [];
  }
  const renamed = (node: Node, start: number, raw: string): ISplice[] => {
    const insert = newFile(raw, id, name);
    const text = source.text.slice(start, contentEnd(source, node));
    return insert === null
      ? []
      : pathsIn(text, raw).map(offset => ({
          offset: start + offset,
          delete: raw.length,
          insert
        }));
  };
  const inStages = stages.flatMap(stage => {
    const { key, value } = stageEntry(source, stage.id)!;
    const written = mentions.filter(one => one.stage === stage);
    return [...new Set(written.map(one => one.raw))].flatMap(raw =>
      renamed(value!, startOf(source, key), raw)
    );
  });
  // What the file itself says of them, from its own folder.
  const folder = dirname(document.path);
  const inLists = ['plots', 'metrics', 'artifacts'].flatMap(key => {
    const list = entryOf(source.yaml.contents, key)?.value;
    return [...(list ? files : [])].flatMap(file =>
      renamed(list!, startOf(source, list), relative(folder, file))
    );
  });
  return [...inStages, ...inLists];
}

/** The path of a file that is named after a stage, with another name of it; else null. */
function newFile(path: string, id: string, name: string): string | null {
  const file = basename(path);
  return file === id || file.startsWith(`${id}.`)
    ? path.slice(0, path.length - file.length) + name + file.slice(id.length)
    : null;
}

/** Where a path stands in a text, and not a longer one. */
function pathsIn(text: string, path: string): number[] {
  const literal = path.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const pattern = new RegExp(
    `(?<![\\p{L}\\p{N}_./@-])${literal}(?![\\p{L}\\p{N}_/@-]|\\.[\\p{L}\\p{N}])`,
    'gu'
  );
  return [...text.matchAll(pattern)].map(match => match.index!);
}

/** Where templates name a variable, or a part of it. */
function mentionsOf(text: string, name: string): number[] {
  const literal = name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const pattern = new RegExp(`(\\$\\{\\s*)${literal}(?=[\\s.}[])`, 'gu');
  return [...text.matchAll(pattern)].map(
    match => match.index! + match[1].length
  );
}

/** The nodes that notes and frames name. */
export function membersOf(source: ISource): Scalar[] {
  const vars = entryOf(source.yaml.contents, 'vars');
  const workflow = variableEntry(vars, 'workflow')?.pair.value;
  return ['notes', 'frames'].flatMap(key => {
    const list = entryOf(workflow, key)?.value;
    return (isSeq(list) ? list.items : []).flatMap(item => {
      const nodes = isMap(item) ? entryOf(item, 'nodes')?.value : null;
      return isSeq(nodes) ? (nodes as YAMLSeq).items.filter(isScalar) : [];
    });
  }) as Scalar[];
}
