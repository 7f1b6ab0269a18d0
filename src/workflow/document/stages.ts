import { isMap, isSeq, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';

import { quoteWord } from './command';
import {
  commandNode,
  rawSpan,
  type IPathEntry,
  type IWorkflowDocument
} from './document';
import {
  addDependency,
  addStage,
  bodyFor,
  compose,
  dropPaths,
  EditError,
  setInside,
  stageOf,
  type Edit
} from './edits';
import { basename, dirname, relative } from './paths';
import {
  addItem,
  addToMap,
  entryOf,
  removeFromList,
  removeFromMap,
  replaceNode,
  replaceValue,
  type ISource
} from './ranges';
import { inOrder, type ISplice } from './splices';

/** A node that is a command and no component. */
export interface ICommandNode {
  id: string;
  cmd: string;
  deps: string[];
  outs: string[];
  at: [number, number];
}

const RUNNERS: Record<string, string> = {
  py: 'python',
  r: 'Rscript',
  jl: 'julia',
  js: 'node',
  sh: 'bash'
};

/** What runs a file; null where it is no script and no notebook. */
export function runnerOf(path: string): string | null {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1].toLowerCase() ?? '';
  return extension === 'ipynb'
    ? 'jupyter mlws notebook'
    : (RUNNERS[extension] ?? null);
}

/** A node's name after the file that it runs. */
export function nameOf(path: string): string {
  return basename(path).replace(/\.[^.]*$/, '');
}

/** The node that runs a script or a notebook; paths are from the project's root. */
export function fileNode(
  document: IWorkflowDocument,
  id: string,
  file: string,
  at: [number, number]
): ICommandNode {
  const command = `${runnerOf(file)} ${quoteWord(file)}`;
  if (!file.endsWith('.ipynb')) {
    return { id, cmd: command, deps: [file], outs: [], at };
  }
  const folder = dirname(document.path);
  const out = `${folder ? `${folder}/` : ''}out/${id}.ipynb`;
  const cmd = `${command} --out ${quoteWord(out)}`;
  return { id, cmd, deps: [file], outs: [out], at };
}

/** Adds a command's node at the end; it runs in the project's root. */
export function addCommandNode(
  document: IWorkflowDocument,
  node: ICommandNode
): ISplice[] {
  const wdir = relative(dirname(document.path), '');
  const { id, cmd, deps, outs, at } = node;
  return inOrder(
    document.source.text,
    addStage(document.source, id, {
      ...(wdir === '.' ? {} : { wdir }),
      cmd,
      ...(deps.length > 0 ? { deps } : {}),
      ...(outs.length > 0 ? { outs } : {}),
      meta: { at: at.map(Math.round) }
    })
  );
}

/** Puts another command in a stage; several lines are run one after the other. */
export function setCommand(
  document: IWorkflowDocument,
  id: string,
  text: string
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  const { body } = bodyFor(document, stage);
  if (stage.commands.join('\n') === text) {
    return [];
  }
  const entry = entryOf(body, 'cmd');
  if (!entry) {
    const first = body.items[0] as never;
    const before = body.items.length > 0 ? first : null;
    return inOrder(source.text, [
      addToMap(source, body, 'cmd', text, 0, before)
    ]);
  }
  const node = commandNode(source, body);
  const lines = text.split('\n');
  if (isSeq(entry.value) && entry.value.items.length === lines.length) {
    const list = entry.value as YAMLSeq;
    const splices = lines.flatMap((line, index) =>
      line === stage.commands[index]
        ? []
        : [replaceNode(source, list.items[index] as never, line, true)]
    );
    return inOrder(source.text, splices);
  }
  if (lines.length > 1) {
    return inOrder(source.text, [
      node?.type === 'BLOCK_LITERAL'
        ? rewriteBlock(source, node, lines)
        : replaceValue(source, entry, lines)
    ]);
  }
  return inOrder(source.text, [
    node && !isSeq(entry.value)
      ? replaceNode(source, node, text, body.flow === true)
      : replaceValue(source, entry, text)
  ]);
}

/** Puts other lines in the place of those of a `|` block. */
function rewriteBlock(
  source: ISource,
  node: Scalar,
  lines: readonly string[]
): ISplice {
  const { start, end } = rawSpan(source, node)!;
  const indent = /^[ \t]*/.exec(source.text.slice(start, end))![0];
  const insert = lines.map(line => indent + line).join(source.eol);
  return { offset: start, delete: end - start, insert };
}

/** Adds a file that a command reads. */
export function addInput(
  document: IWorkflowDocument,
  id: string,
  path: string
): ISplice[] {
  const { folder } = stageOf(document, id);
  return addDependency(document, id, path, relative(folder, path));
}

export function removeInput(
  document: IWorkflowDocument,
  id: string,
  index: number
): ISplice[] {
  return dropPaths(
    document,
    stageOf(document, id),
    dep => dep.index === index,
    () => false
  );
}

export type OutputList = 'outs' | 'metrics' | 'plots';

/** Adds a file that a command writes, to one of its lists. */
export function addOutput(
  document: IWorkflowDocument,
  id: string,
  path: string,
  list: OutputList = 'outs'
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  const { body } = bodyFor(document, stage);
  if (stage.outs.some(out => out.paths.includes(path))) {
    return [];
  }
  const written = relative(stage.folder, path);
  const entry = entryOf(body, list);
  return inOrder(
    source.text,
    entry
      ? addItem(source, entry, written)
      : [
          addToMap(
            source,
            body,
            list,
            [written],
            1,
            list === 'outs'
              ? (entryOf(body, 'metrics') ??
                  entryOf(body, 'plots') ??
                  entryOf(body, 'meta'))
              : entryOf(body, 'meta')
          )
        ]
  );
}

export function removeOutput(
  document: IWorkflowDocument,
  id: string,
  { list, index }: Pick<IPathEntry, 'list' | 'index'>
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  const { body } = bodyFor(document, stage);
  const value = entryOf(body, list)?.value;
  if (!isSeq(value)) {
    throw new EditError(id, stage.line);
  }
  return inOrder(
    source.text,
    value.items.length === 1
      ? removeFromMap(source, body, new Set([list]))
      : removeFromList(source, value as YAMLSeq, new Set([index]))
  );
}

/** Freezes stages, so that their results stay as they are, or thaws them. */
export function setFrozen(
  document: IWorkflowDocument,
  ids: ReadonlySet<string>,
  frozen: boolean
): ISplice[] {
  const stages = document.stages.filter(
    stage => ids.has(stage.id) && stage.frozen !== frozen && stage.isEditable
  );
  return compose(
    document,
    stages.map(
      ({ id }): Edit =>
        now =>
          setFrozenOne(now, id, frozen)
    )
  );
}

function setFrozenOne(
  document: IWorkflowDocument,
  id: string,
  frozen: boolean
): ISplice[] {
  const { source } = document;
  const { body } = bodyFor(document, stageOf(document, id));
  if (!frozen) {
    return inOrder(
      source.text,
      removeFromMap(source, body, new Set(['frozen']))
    );
  }
  const entry = entryOf(body, 'frozen');
  return inOrder(source.text, [
    entry
      ? replaceValue(source, entry, true)
      : addToMap(source, body, 'frozen', true, 0, entryOf(body, 'meta'))
  ]);
}

/** Sets what a stage asks of the engine (`retries`, `memory`…); undefined takes it away. */
export function setMeta(
  document: IWorkflowDocument,
  id: string,
  key: string,
  value: string | number | boolean | undefined
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  const { entry, body } = bodyFor(document, stage);
  if (value !== undefined) {
    const holder =
      entry.value === (body as never) ? entry : entryOf(entry.value, 'do')!;
    return inOrder(
      source.text,
      setInside(source, holder, ['meta', key], value)
    );
  }
  const meta = entryOf(body, 'meta')?.value;
  if (!isMap(meta) || !entryOf(meta, key)) {
    return [];
  }
  return inOrder(
    source.text,
    meta.items.length === 1
      ? removeFromMap(source, body, new Set(['meta']))
      : removeFromMap(source, meta as YAMLMap, new Set([key]))
  );
}
