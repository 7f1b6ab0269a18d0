import {
  isMap,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq
} from 'yaml';

import {
  addWords,
  parseCommand,
  quoteWord,
  removeArgument,
  removeUnpack,
  removeValue,
  type IChange,
  type IComponentCommand
} from './command';
import {
  bodyOf,
  commandNode,
  isRecord,
  parse,
  rawSpan,
  splitName,
  stageEntry,
  valueAt,
  type IPathEntry,
  type IStage,
  type IWorkflowDocument
} from './document';
import { dirname, relative } from './paths';
import {
  addEntry,
  addItem,
  addToMap,
  blockLines,
  clear,
  endOf,
  entryOf,
  removeFromList,
  removeFromMap,
  replaceNode,
  replaceValue,
  startOf,
  type Entry,
  type ISource
} from './ranges';
import type { Value } from './scalars';
import { applySplices, inOrder, type ISplice } from './splices';

/** Changes a document; the splices are to be applied in their order. */
export type Edit = (document: IWorkflowDocument) => ISplice[];

/** The text holds a form that can only be edited as text; says where. */
export class EditError extends Error {
  constructor(
    readonly stage: string,
    readonly line: number
  ) {
    super(`The stage "${stage}" can only be edited as text (line ${line}).`);
    this.name = 'EditError';
  }
}

/** What a component's node needs to be written. */
export interface INewNode {
  id: string;
  component: string;
  outputs: { name: string; type: string; extension: string }[];
  at: [number, number];
}

/** Makes one edit of several, each made on what the one before left. */
export function compose(
  document: IWorkflowDocument,
  edits: readonly Edit[]
): ISplice[] {
  const all: ISplice[] = [];
  let current = document;
  edits.forEach((edit, index) => {
    const splices = edit(current);
    all.push(...splices);
    if (splices.length > 0 && index < edits.length - 1) {
      current = reread(current, splices);
    }
  });
  return all;
}

/** Makes one edit of several that change different parts of the same text. */
export function together(
  document: IWorkflowDocument,
  edits: readonly Edit[]
): ISplice[] {
  // The splices of an edit are in the order in which they are applied: from the end of the text.
  return inOrder(
    document.source.text,
    edits.flatMap(edit => [...edit(document)].reverse())
  );
}

function reread(
  document: IWorkflowDocument,
  splices: ISplice[]
): IWorkflowDocument {
  const result = parse(
    applySplices(document.source.text, splices),
    document.path,
    document
  );
  if (result.error) {
    throw new Error(`An edit broke the text: ${JSON.stringify(result.error)}`);
  }
  return result.document;
}

/** A name for a new node that no stage, no variable and no file of the others' has. */
export function freeId(
  document: IWorkflowDocument,
  base: string,
  others: Iterable<string> = []
): string {
  const stem =
    base.replace(/[^\p{L}\p{N}_]+/gu, '_').replace(/^_+|_+$/g, '') || 'node';
  const taken = new Set([
    'workflow',
    ...others,
    ...document.stages.map(stage => stage.id),
    ...Object.keys(document.vars),
    // A renamed node keeps its files, which its old name would claim again.
    ...document.stages
      .flatMap(stage => stage.outs)
      .flatMap(out => /(?:^|\/)out\/([^/.]+)\./.exec(out.raw)?.[1] ?? [])
  ]);
  let id = stem;
  for (let count = 2; taken.has(id); count += 1) {
    id = `${stem}_${count}`;
  }
  return id;
}

/** Adds a component's node at the end, with a file of its own for every output. */
export function addNode(
  document: IWorkflowDocument,
  node: INewNode
): ISplice[] {
  const { source } = document;
  const folder = dirname(document.path);
  const wdir = relative(folder, '');
  const files = node.outputs.map(port => ({
    port,
    path: `${folder ? `${folder}/` : ''}out/${node.id}.${port.name}${port.extension}`
  }));
  const isMetrics = (type: string): boolean => type === 'Metrics';
  const outs = files
    .filter(({ port }) => !isMetrics(port.type))
    .map(({ path }) => path);
  const metrics = files
    .filter(({ port }) => isMetrics(port.type))
    .map(({ path }) => path);
  const words = files.map(
    ({ port, path }) => `--${port.name} ${quoteWord(path)}`
  );
  const stage = {
    ...(wdir === '.' ? {} : { wdir }),
    cmd: ['jupyter mlws node', quoteWord(node.component), ...words].join(' '),
    ...(outs.length > 0 ? { outs } : {}),
    ...(metrics.length > 0 ? { metrics } : {}),
    meta: { at: node.at.map(Math.round) }
  };
  return inOrder(source.text, addStage(source, node.id, stage));
}

/** Adds a stage behind the others; `stages` is made where the file has none. */
export function addStage(
  source: ISource,
  id: string,
  stage: { [key: string]: Value }
): ISplice[] {
  const root = source.yaml.contents as Node | null;
  const stages = entryOf(root, 'stages');
  // What a `foreach` generates stands one level deeper.
  const depth = 'do' in stage ? 3 : 2;
  if (stages) {
    return addEntry(source, stages, id, stage, depth);
  }
  return addTopLevel(source, 'stages', { [id]: stage }, depth + 1);
}

export function addTopLevel(
  source: ISource,
  key: string,
  value: Value,
  depth: number
): ISplice[] {
  const root = source.yaml.contents as Node | null;
  if (isMap(root) && root.items.length > 0) {
    return [addToMap(source, root as YAMLMap, key, value, depth)];
  }
  const start = isMap(root) ? startOf(source, root) : source.text.length;
  const end = isMap(root) ? endOf(source, root) : start;
  const isOpenLine = start > 0 && source.text[start - 1] !== '\n';
  const lines = blockLines(source, key, value, depth).map(
    line => line + source.eol
  );
  const insert = (isOpenLine ? source.eol : '') + lines.join('');
  return [{ offset: start, delete: end - start, insert }];
}

/** Removes nodes, their settings, and what other nodes took from them. */
export function removeNodes(
  document: IWorkflowDocument,
  ids: ReadonlySet<string>
): ISplice[] {
  const gone = document.stages.filter(stage => ids.has(stage.id));
  const files = new Set(
    gone.flatMap(stage => stage.outs.flatMap(out => out.paths))
  );
  const users = document.stages.filter(
    stage =>
      !ids.has(stage.id) &&
      stage.isEditable &&
      stage.deps.some(dep => dep.paths.some(path => files.has(path)))
  );
  const taken = (dep: IPathEntry): boolean =>
    dep.paths.some(path => files.has(path));
  const edits = together(document, [
    ...users.map(
      (stage): Edit =>
        now =>
          dropPaths(now, stage, taken, path => files.has(path))
    ),
    now => removeStages(now, ids)
  ]);
  // Settings that another stage still reads stay.
  const rest = applySplices(document.source.text, edits);
  const own = [...ids].filter(
    id => id !== 'workflow' && !isMentioned(rest, id)
  );
  return together(document, [
    () => edits,
    now => removeVariables(now, new Set(own))
  ]);
}

function removeStages(
  document: IWorkflowDocument,
  ids: ReadonlySet<string>
): ISplice[] {
  const { source } = document;
  const pair = entryOf(source.yaml.contents, 'stages');
  if (!pair || !isMap(pair.value)) {
    return [];
  }
  const isLast = document.stages.every(stage => ids.has(stage.id));
  const splices = isLast
    ? clear(source, pair, '{}')
    : removeFromMap(source, pair.value as YAMLMap, ids);
  return inOrder(source.text, splices);
}

/** Does a template in the stages use a variable, or a part of it? */
function isMentioned(text: string, name: string, times = 1): boolean {
  const pattern = new RegExp(
    `\\$\\{\\s*${name.replace(/\W/g, '\\$&')}\\b`,
    'g'
  );
  return (text.match(pattern)?.length ?? 0) >= times;
}

export function stageOf(document: IWorkflowDocument, id: string): IStage {
  const stage = document.stages.find(one => one.id === id);
  if (!stage) {
    throw new Error(`There is no stage "${id}".`);
  }
  return stage;
}

export function bodyFor(
  document: IWorkflowDocument,
  stage: IStage
): { entry: Entry; body: YAMLMap } {
  const entry = stageEntry(document.source, stage.id);
  const body = entry && bodyOf(document.source, entry);
  if (!entry || !body || !stage.isEditable) {
    throw new EditError(stage.id, stage.line);
  }
  return { entry, body };
}

/** The pair whose value is the stage's body. */
export function bodyEntry(document: IWorkflowDocument, stage: IStage): Entry {
  const { entry, body } = bodyFor(document, stage);
  return entry.value === (body as Node) ? entry : entryOf(entry.value, 'do')!;
}

export interface IConnection {
  source: string;
  /** A path of one of the source's outputs, from the project's root. */
  path: string;
  target: string;
  /** Null for nodes that are not components: they get the dependency alone. */
  port: string | null;
  /** Files that the port read so far and that the connection replaces. */
  replaces?: string[];
}

/** Makes the target depend on an output, and passes its path to the port. */
export function connect(
  document: IWorkflowDocument,
  connection: IConnection
): ISplice[] {
  const { target, path, port, replaces = [] } = connection;
  const stage = stageOf(document, target);
  const file = writePath(document, connection, stage);
  return compose(document, [
    now =>
      replaces.length > 0 ? dropFile(now, target, port, new Set(replaces)) : [],
    now => addDependency(now, target, path, file),
    now => (port === null ? [] : addPortArgument(now, target, port, file))
  ]);
}

/** As the source wrote it, templates and all, where both run in the same folder. */
function writePath(
  document: IWorkflowDocument,
  connection: IConnection,
  target: IStage
): string {
  const source = document.stages.find(stage => stage.id === connection.source);
  const out = source?.outs.find(one => one.paths.includes(connection.path));
  return source &&
    out &&
    source.folder === target.folder &&
    out.paths.length === 1
    ? out.raw
    : relative(target.folder, connection.path);
}

export function addDependency(
  document: IWorkflowDocument,
  id: string,
  path: string,
  written: string
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  if (stage.deps.some(dep => dep.paths.includes(path))) {
    return [];
  }
  const { body } = bodyFor(document, stage);
  const deps = entryOf(body, 'deps');
  if (deps) {
    return inOrder(source.text, addItem(source, deps, written));
  }
  // Beside the outputs, as people write it.
  const before =
    entryOf(body, 'outs') ??
    entryOf(body, 'metrics') ??
    entryOf(body, 'plots') ??
    entryOf(body, 'meta');
  return inOrder(source.text, [
    addToMap(source, body, 'deps', [written], 1, before)
  ]);
}

function addPortArgument(
  document: IWorkflowDocument,
  id: string,
  port: string,
  path: string
): ISplice[] {
  return editCommand(document, id, command => [
    addWords(command, `--${port} ${quoteWord(path)}`)
  ]);
}

/** Takes a path away from a port; the dependency goes with its last use. */
export function disconnect(
  document: IWorkflowDocument,
  connection: Pick<IConnection, 'path' | 'target' | 'port'>
): ISplice[] {
  return dropFile(
    document,
    connection.target,
    connection.port,
    new Set([connection.path])
  );
}

function dropFile(
  document: IWorkflowDocument,
  id: string,
  port: string | null,
  files: ReadonlySet<string>
): ISplice[] {
  const stage = stageOf(document, id);
  const usedElsewhere = new Set(
    stage.args.filter(arg => arg.name !== port).flatMap(arg => arg.paths)
  );
  return dropPaths(
    document,
    stage,
    dep => dep.paths.some(path => files.has(path) && !usedElsewhere.has(path)),
    (path, name) => files.has(path) && (port === null || name === port)
  );
}

/** Removes dependencies, and the arguments that pass them on. */
export function dropPaths(
  document: IWorkflowDocument,
  stage: IStage,
  isDropped: (dep: IPathEntry) => boolean,
  isArgument: (path: string, port: string) => boolean
): ISplice[] {
  const gone = new Set(stage.deps.filter(isDropped).map(dep => dep.index));
  const dropped = new Set(
    stage.args
      .filter(arg => arg.paths.some(path => isArgument(path, arg.name)))
      .map(arg => `${arg.name} ${arg.raw}`)
  );
  return together(document, [
    now => removeDependencies(now, stage.id, gone),
    now =>
      dropped.size > 0
        ? editCommand(now, stage.id, command => removeAll(command, dropped))
        : []
  ]);
}

function removeAll(
  command: IComponentCommand,
  dropped: ReadonlySet<string>
): IChange[] {
  return command.args.flatMap(argument => {
    const values = argument.values.filter(value =>
      dropped.has(`${argument.name} ${value.text}`)
    );
    return values.length === argument.values.length && values.length > 0
      ? [removeArgument(command, argument)]
      : values.map(value => removeValue(command, argument, value));
  });
}

function removeDependencies(
  document: IWorkflowDocument,
  id: string,
  gone: ReadonlySet<number>
): ISplice[] {
  const { source } = document;
  if (gone.size === 0) {
    return [];
  }
  const { body } = bodyFor(document, stageOf(document, id));
  const list = entryOf(body, 'deps')?.value;
  if (!isSeq(list)) {
    throw new EditError(id, stageOf(document, id).line);
  }
  const splices =
    list.items.length === gone.size
      ? removeFromMap(source, body, new Set(['deps']))
      : removeFromList(source, list as YAMLSeq, gone);
  return inOrder(source.text, splices);
}

/** Adds words to a component's or a notebook's command, in front of what it unpacks. */
export function addWordsTo(
  document: IWorkflowDocument,
  id: string,
  words: string
): ISplice[] {
  return editCommand(document, id, command => [addWords(command, words)]);
}

/** Edits the words of a component's command, in place where the text allows it. */
function editCommand(
  document: IWorkflowDocument,
  id: string,
  change: (command: IComponentCommand) => IChange[]
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  const { body } = bodyFor(document, stage);
  const node = commandNode(source, body);
  if (!node || !stage.command) {
    throw new EditError(id, stage.line);
  }
  const span = rawSpan(source, node);
  const raw = span && source.text.slice(span.start, span.end);
  const isUnpack = (name: string): boolean =>
    stage.command!.unpacks.some(unpack => unpack.name === name);
  const command = raw === null ? null : parseCommand(raw, isUnpack);
  if (span && raw !== null && command) {
    const changes = change(command);
    if (node.type !== 'PLAIN' || staysPlain(applyChanges(raw, changes))) {
      const splices = changes.map(one => ({
        offset: span.start + one.start,
        delete: one.end - one.start,
        insert: one.insert
      }));
      return inOrder(source.text, splices);
    }
  }
  return rewriteCommand(source, node, stage.command, change);
}

function rewriteCommand(
  source: ISource,
  node: Scalar,
  command: IComponentCommand,
  change: (command: IComponentCommand) => IChange[]
): ISplice[] {
  const text = applyChanges(String(node.value), change(command));
  return inOrder(source.text, [replaceNode(source, node, text, true)]);
}

function applyChanges(text: string, changes: IChange[]): string {
  const splices = changes.map(one => ({
    offset: one.start,
    delete: one.end - one.start,
    insert: one.insert
  }));
  return applySplices(text, inOrder(text, splices));
}

function staysPlain(text: string): boolean {
  return !/:(\s|$)|\s#/.test(text);
}

/** Sets the file that an input reads; an empty path takes it away. */
export function setFileInput(
  document: IWorkflowDocument,
  id: string,
  port: string,
  path: string
): ISplice[] {
  const stage = stageOf(document, id);
  const old = stage.args
    .filter(arg => arg.name === port)
    .flatMap(arg => arg.paths);
  const file = relative(stage.folder, path);
  return compose(document, [
    now => dropFile(now, id, port, new Set(old)),
    now => (path === '' ? [] : addDependency(now, id, path, file)),
    now => (path === '' ? [] : addPortArgument(now, id, port, file))
  ]);
}

/** Where a node's settings stand in `vars`. */
export function settingsPath(stage: IStage): string[] {
  const unpack = stage.command?.unpacks[0];
  return unpack ? splitName(unpack.name) : [stage.id];
}

/** Do the settings stand in another file, such as `params.yaml`? */
export function hasForeignSettings(
  document: IWorkflowDocument,
  stage: IStage
): boolean {
  const unpack = stage.command?.unpacks[0];
  return (
    unpack !== undefined && valueAt(document.vars, unpack.name) === undefined
  );
}

/** Sets a setting; `undefined` takes it away, so that the component's default applies. */
export function setSetting(
  document: IWorkflowDocument,
  id: string,
  key: string[],
  value: Value | undefined
): ISplice[] {
  const stage = stageOf(document, id);
  bodyFor(document, stage);
  const place = settingsPath(stage);
  const literal = key.join('.');
  const isWritten =
    stage.command?.args.some(arg => arg.name === literal) ?? false;
  const isUnpacked = (stage.command?.unpacks.length ?? 0) > 0;
  const dropWritten = (command: IComponentCommand): IChange[] =>
    command.args
      .filter(arg => arg.name === literal)
      .map(arg => removeArgument(command, arg));
  if (value === undefined) {
    return compose(document, [
      now => (isWritten ? editCommand(now, id, dropWritten) : []),
      now => unsetSetting(now, id, place, key)
    ]);
  }
  return together(document, [
    now => setVariable(now, [...place, ...key], value),
    now =>
      stage.command && (isWritten || !isUnpacked)
        ? editCommand(now, id, command => [
            ...dropWritten(command),
            ...(isUnpacked ? [] : [addWords(command, `\${${place.join('.')}}`)])
          ])
        : []
  ]);
}

function unsetSetting(
  document: IWorkflowDocument,
  id: string,
  place: string[],
  key: string[]
): ISplice[] {
  const full = [...place, ...key];
  if (valueAt(document.vars, full.join('.')) === undefined) {
    return [];
  }
  const name = place.join('.');
  const settings = valueAt(document.vars, name);
  const isLast =
    isRecord(settings) && Object.keys(withoutKey(settings, key)).length === 0;
  const isShared = isMentioned(document.source.text, name, 2);
  if (!isLast || isShared || place.length > 1) {
    return removeVariable(document, full);
  }
  return compose(document, [
    now =>
      editCommand(now, id, command =>
        [removeUnpack(command, name)].filter(isChange)
      ),
    now => removeVariable(now, place)
  ]);
}

function isChange(change: IChange | null): change is IChange {
  return change !== null;
}

/** The settings that stay when one goes; dictionaries that it leaves empty go with it. */
function withoutKey(
  settings: Record<string, Value>,
  key: string[]
): Record<string, Value> {
  const [first, ...more] = key;
  const { [first]: inner, ...others } = settings;
  const rest =
    more.length > 0 && isRecord(inner) ? withoutKey(inner, more) : {};
  return Object.keys(rest).length > 0 ? { ...others, [first]: rest } : others;
}

/** Sets a value below a name in `vars`; what is missing on the way is made. */
export function setVariable(
  document: IWorkflowDocument,
  path: string[],
  value: Value
): ISplice[] {
  const { source } = document;
  const vars = entryOf(source.yaml.contents, 'vars');
  const [name, ...rest] = path;
  const nested = rest.reduceRight(
    (inner: Value, key) => ({ [key]: inner }),
    value
  );
  const holder = variableEntry(vars, name);
  if (holder) {
    return inOrder(source.text, setInside(source, holder.pair, rest, value));
  }
  if (vars) {
    return inOrder(source.text, addItem(source, vars, { [name]: nested }));
  }
  const root = source.yaml.contents as Node | null;
  const before = entryOf(root, 'stages');
  return inOrder(
    source.text,
    before
      ? [
          addToMap(
            source,
            root as YAMLMap,
            'vars',
            [{ [name]: nested }],
            1,
            before
          )
        ]
      : addTopLevel(source, 'vars', [{ [name]: nested }], 1)
  );
}

export interface IVariableEntry {
  list: YAMLSeq;
  index: number;
  map: YAMLMap;
  pair: Entry;
}

export function variableEntry(
  vars: Entry | null,
  name: string
): IVariableEntry | null {
  const list = vars?.value;
  if (!isSeq(list)) {
    return null;
  }
  // Of the same name twice DVC merges; the last one wins.
  for (let index = list.items.length - 1; index >= 0; index -= 1) {
    const map = list.items[index];
    const pair = entryOf(map, name);
    if (pair) {
      return { list: list as YAMLSeq, index, map: map as YAMLMap, pair };
    }
  }
  return null;
}

export function setInside(
  source: ISource,
  pair: Entry,
  path: string[],
  value: Value
): ISplice[] {
  if (path.length === 0) {
    return [replaceValue(source, pair, value)];
  }
  const [key, ...rest] = path;
  const inner = entryOf(pair.value, key);
  if (inner) {
    return setInside(source, inner, rest, value);
  }
  const nested = rest.reduceRight(
    (one: Value, name) => ({ [name]: one }),
    value
  );
  return isMap(pair.value)
    ? addEntry(source, pair, key, nested, 0)
    : [replaceValue(source, pair, { [key]: nested })];
}

/** Removes a name below `vars`, and what is empty then. */
export function removeVariable(
  document: IWorkflowDocument,
  path: string[]
): ISplice[] {
  const { source } = document;
  const vars = entryOf(source.yaml.contents, 'vars');
  const holder = variableEntry(vars, path[0]);
  if (!vars || !holder) {
    return [];
  }
  const chain: { map: YAMLMap; pair: Entry }[] = [holder];
  for (const key of path.slice(1)) {
    const map = chain[chain.length - 1].pair.value;
    const pair = entryOf(map, key);
    if (!pair) {
      return [];
    }
    chain.push({ map: map as YAMLMap, pair });
  }
  while (chain.length > 1 && chain[chain.length - 1].map.items.length === 1) {
    chain.pop();
  }
  const { map, pair } = chain[chain.length - 1];
  if (chain.length > 1 || map.items.length > 1) {
    return inOrder(
      source.text,
      removeFromMap(source, map, new Set([String(pair.key.value)]))
    );
  }
  return inOrder(source.text, removeVarsItem(source, holder));
}

/** Removes whole variables at once, and what is empty then. */
function removeVariables(
  document: IWorkflowDocument,
  names: ReadonlySet<string>
): ISplice[] {
  const { source } = document;
  const list = entryOf(source.yaml.contents, 'vars')?.value;
  if (!isSeq(list)) {
    return [];
  }
  const gone = new Set<number>();
  const splices: ISplice[] = [];
  list.items.forEach((map, index) => {
    const keys = isMap(map)
      ? (map.items as Entry[]).map(pair => String(pair.key.value))
      : [];
    const left = keys.filter(key => !names.has(key));
    if (keys.length > 0 && left.length === 0) {
      gone.add(index);
    } else if (left.length < keys.length) {
      splices.push(...removeFromMap(source, map as YAMLMap, names));
    }
  });
  if (gone.size === list.items.length) {
    const root = source.yaml.contents as unknown as YAMLMap;
    return inOrder(source.text, removeFromMap(source, root, new Set(['vars'])));
  }
  return inOrder(source.text, [
    ...splices,
    ...removeFromList(source, list as YAMLSeq, gone)
  ]);
}

function removeVarsItem(source: ISource, holder: IVariableEntry): ISplice[] {
  if (holder.list.items.length > 1) {
    return removeFromList(source, holder.list, new Set([holder.index]));
  }
  const root = source.yaml.contents as unknown as YAMLMap;
  return removeFromMap(source, root, new Set(['vars']));
}

/** Writes where nodes stand on the canvas. */
export function moveNodes(
  document: IWorkflowDocument,
  places: ReadonlyMap<string, [number, number]>
): ISplice[] {
  const { source } = document;
  const splices = [...places].flatMap(([id, place]) => {
    const stage = stageOf(document, id);
    const [x, y] = place.map(Math.round);
    const isThere = stage.at && stage.at[0] === x && stage.at[1] === y;
    return isThere
      ? []
      : setInside(source, bodyEntry(document, stage), ['meta', 'at'], [x, y]);
  });
  return inOrder(source.text, splices);
}

/** Gives all places back to the automatic layout. */
export function forgetPlaces(document: IWorkflowDocument): ISplice[] {
  const { source } = document;
  const placed = document.stages.filter(stage => stage.at && stage.isEditable);
  const splices = placed.flatMap(stage => {
    const { body } = bodyFor(document, stage);
    const meta = entryOf(body, 'meta')?.value as YAMLMap;
    return meta.items.length === 1
      ? removeFromMap(source, body, new Set(['meta']))
      : removeFromMap(source, meta, new Set(['at']));
  });
  return inOrder(source.text, splices);
}

export function setTitle(
  document: IWorkflowDocument,
  title: string
): ISplice[] {
  return setVariable(document, ['workflow', 'name'], title);
}
