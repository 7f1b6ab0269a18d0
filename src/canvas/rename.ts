import { isMap, isScalar, isSeq, type Scalar, type YAMLSeq } from 'yaml';

import { stageEntry, type IWorkflowDocument } from './document';
import { stageOf, variableEntry } from './edits';
import {
  contentEnd,
  entryOf,
  replaceNode,
  startOf,
  type ISource
} from './ranges';
import { inOrder, type ISplice } from './splices';

/** Why a node can't have a name: it is not what DVC takes for one, or another has it. */
export type NameFault = 'shape' | 'taken';

const NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_-]*$/u;

export function nameFault(
  document: IWorkflowDocument,
  id: string,
  name: string
): NameFault | null {
  if (!NAME.test(name) || name === 'workflow') {
    return 'shape';
  }
  const isTaken = document.stages.some(stage => stage.id === name);
  return name !== id && isTaken ? 'taken' : null;
}

/**
 * Gives a stage another name.
 *
 * Its settings' variable goes along where no other stage reads it. Its files keep their names, so
 * that what it has made remains its result.
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
