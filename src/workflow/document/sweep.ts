import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';

import {
  commandNode,
  isRecord,
  rawSpan,
  textFor,
  type IPathEntry,
  type IStage,
  type IWorkflowDocument
} from './document';
import {
  addWordsTo,
  bodyFor,
  compose,
  dropPaths,
  EditError,
  setSetting,
  stageOf,
  type Edit
} from './edits';
import {
  addEntry,
  addToMap,
  contentEnd,
  entryOf,
  removeFromMap,
  replaceNode,
  replaceValue,
  startOf,
  type Entry
} from './ranges';
import { folders, relative } from './paths';
import { print, type Value } from './scalars';
import { inOrder, type ISplice } from './splices';

/** A value that a sweep tries: DVC fills nothing else into a command. */
export type Point = string | number | boolean;

/** A setting (or an option of a command) with the values that are tried. */
export interface IAxis {
  name: string;
  values: Point[];
}

/** Why a stage can't have variants. */
export type SweepFault =
  | { kind: 'text' }
  /** The command does not say where the file is written: each variant would write the same. */
  | { kind: 'output'; path: string }
  /** A stage behind it does not say in its command which file it reads. */
  | { kind: 'reader'; node: string; path: string }
  /** A stage behind it has variants of its own. */
  | { kind: 'sweep'; node: string };

/** What the text alone does not tell of components. */
export interface ISweepOptions {
  /** Does an input of a stage take several files? */
  isMultiple: (stage: IStage, port: string) => boolean;
  /** The defaults of the stage's settings; such values are not written. */
  defaults: Record<string, Value>;
}

/** What becomes of a stage that reads an output of a sweep. */
export type ReaderKind = 'each' | 'all' | 'first';

/** Makes an entry of its own for each variant: DVC's name of the variant. */
const KEY = '.${key}';
/** The most variants: each is a stage of DVC. */
export const MOST_VARIANTS = 1000;
/** A component that acts on the world outside: not once for each variant. */
const ONCE = 'register_model';

/** How a setting is called in a template, where dots have a meaning. */
export function axisKey(name: string): string {
  return name.replace(/[^\p{L}\p{N}_]+/gu, '_');
}

/** Can a value be part of a file's name and stand in a command without quotes? */
export function isPoint(value: unknown): value is Point {
  return (
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value)) ||
    (typeof value === 'string' && /^[\p{L}\p{N}_+=@%:,.-]+$/u.test(value))
  );
}

export function variantCount(axes: readonly IAxis[]): number {
  return axes.reduce((count, axis) => count * axis.values.length, 1);
}

/** The axes of a sweep as its `matrix` lists them; null where they are written in another way. */
export function axesOf(
  document: IWorkflowDocument,
  id: string
): IAxis[] | null {
  const stage = stageOf(document, id);
  const matrix = stage.isEditable ? matrixOf(document, id) : null;
  const axes = Object.entries(matrix ?? {}).map(([key, values]) => ({
    name: nameOf(stage, key),
    values: values as Point[]
  }));
  const isPlain = axes.every(
    ({ values }) => Array.isArray(values) && values.every(isPoint)
  );
  return matrix && isPlain ? axes : null;
}

function matrixOf(
  document: IWorkflowDocument,
  id: string
): Record<string, Value> | null {
  const node = matrixEntry(document, id)?.value;
  const value: unknown =
    node && !isAlias(node) ? node.toJS(document.source.yaml) : null;
  return isRecord(value) ? value : null;
}

/** How a command calls the value of a `foreach`. */
export const ITEM = 'item';

/** The plain values that a `foreach` goes through; null where it has others, or there is none. */
export function itemsOf(
  document: IWorkflowDocument,
  id: string
): Point[] | null {
  const node = foreachEntry(document, id)?.value;
  const values: unknown = isSeq(node) ? node.toJS(document.source.yaml) : null;
  return Array.isArray(values) && values.length > 0 && values.every(isPoint)
    ? values
    : null;
}

function foreachEntry(document: IWorkflowDocument, id: string): Entry | null {
  const stage = stageOf(document, id);
  return stage.isEditable
    ? entryOf(bodyFor(document, stage).entry.value, 'foreach')
    : null;
}

/** What tells the variants of one stage from those of another. */
function variationOf(document: IWorkflowDocument, id: string): string {
  const items = foreachEntry(document, id)?.value?.toJS(document.source.yaml);
  return JSON.stringify([matrixOf(document, id), items ?? null]);
}

function matrixEntry(document: IWorkflowDocument, id: string): Entry | null {
  const stage = stageOf(document, id);
  return stage.isEditable
    ? entryOf(bodyFor(document, stage).body, 'matrix')
    : null;
}

/** The option that an axis is passed by; its key where it is passed in another way. */
function nameOf(stage: IStage, key: string): string {
  const argument = stage.command?.args.find(
    ({ values }) => values.length === 1 && isTemplate(values[0].text, key)
  );
  return argument?.name ?? key;
}

function isTemplate(text: string, key: string): boolean {
  return text.replace(/\s/g, '') === `\${item.${key}}`;
}

// What hangs together

interface IReading {
  reader: string;
  /** The plain path, or those of all variants. */
  output: IPathEntry;
  dep: IPathEntry;
  /** What of the dependency's path is inside of the output. */
  rest: string;
  kind: ReaderKind;
}

/** The stages that vary together, and what else reads their outputs. */
interface IGroup {
  members: string[];
  readings: IReading[];
  fault: SweepFault | null;
}

/** What a stage drags along when it gets variants. */
function newGroup(
  document: IWorkflowDocument,
  id: string,
  { isMultiple }: Pick<ISweepOptions, 'isMultiple'>
): IGroup {
  const members = [id];
  let readings: IReading[] = [];
  let fault: SweepFault | null = null;
  for (const member of members) {
    const stage = stageOf(document, member);
    if (!canTakeVariants(document, stage)) {
      fault ??= { kind: 'text' };
    }
    for (const output of stage.outs) {
      if (!isKeyed(output.raw) && !names(stage, output.raw)) {
        fault ??= { kind: 'output', path: output.paths[0] };
      }
      for (const found of readersOf(document, member, output)) {
        const { reader, dep } = found;
        const kind = kindOf(reader, dep, isMultiple);
        if (kind === null) {
          fault ??=
            reader.kind === 'sweep'
              ? { kind: 'sweep', node: reader.id }
              : { kind: 'reader', node: reader.id, path: dep.paths[0] };
        } else {
          readings.push({ ...found, output, reader: reader.id, kind });
          if (kind === 'each' && !members.includes(reader.id)) {
            members.push(reader.id);
          }
        }
      }
    }
  }
  readings = readings.map(one =>
    members.includes(one.reader) ? { ...one, kind: 'each' } : one
  );
  return { members, readings, fault };
}

function kindOf(
  reader: IStage,
  dep: IPathEntry,
  isMultiple: ISweepOptions['isMultiple']
): ReaderKind | null {
  const ports = reader.args.filter(arg =>
    arg.paths.some(path => dep.paths.includes(path))
  );
  if (ports.some(port => isMultiple(reader, port.name))) {
    return 'all';
  }
  if (reader.component === ONCE) {
    return 'first';
  }
  return reader.kind === 'sweep' || !names(reader, dep.raw) ? null : 'each';
}

/** The stages that depend on an output, or on something inside of it. */
function readersOf(
  document: IWorkflowDocument,
  id: string,
  output: IPathEntry
): { reader: IStage; dep: IPathEntry; rest: string }[] {
  const outputs = new Set(output.paths);
  return document.stages
    .filter(stage => stage.id !== id)
    .flatMap(reader =>
      reader.deps.flatMap(dep => {
        const [path] = dep.paths;
        const above = [path, ...folders(path)].find(one => outputs.has(one));
        return above === undefined
          ? []
          : [{ reader, dep, rest: path.slice(above.length) }];
      })
    );
}

function canTakeVariants(document: IWorkflowDocument, stage: IStage): boolean {
  if (!stage.isEditable || stage.commands.length !== 1) {
    return false;
  }
  const { entry, body } = bodyFor(document, stage);
  return (
    entry.value === (body as Node) &&
    stage.kind !== 'sweep' &&
    commandNode(document.source, body) !== null
  );
}

/** The stages that have the variants of a sweep, and what else reads their outputs. */
function groupOf(document: IWorkflowDocument, id: string): IGroup {
  const variation = variationOf(document, id);
  const members = [id];
  let readings: IReading[] = [];
  for (const member of members) {
    for (const output of stageOf(document, member).outs) {
      for (const found of readersOf(document, member, output)) {
        const { reader, dep } = found;
        const isMember =
          isKeyed(dep.raw) && variationOf(document, reader.id) === variation;
        if (isMember && !members.includes(reader.id)) {
          members.push(reader.id);
        }
        readings.push({ ...found, output, reader: reader.id, kind: 'first' });
      }
    }
  }
  readings = readings.map(one => {
    const read = readings.filter(
      other => other.reader === one.reader && other.output === one.output
    );
    const kind: ReaderKind = members.includes(one.reader)
      ? 'each'
      : one.output.paths.length > 1 && read.length >= one.output.paths.length
        ? 'all'
        : 'first';
    return { ...one, kind };
  });
  return { members, readings, fault: null };
}

/** Why a plain stage can't become a sweep; null where it can. */
export function sweepFault(
  document: IWorkflowDocument,
  id: string,
  options: Pick<ISweepOptions, 'isMultiple'>
): SweepFault | null {
  return newGroup(document, id, options).fault;
}

/** What becomes of the stages that read what a stage writes, once it is a sweep. */
export function readersOfSweep(
  document: IWorkflowDocument,
  id: string,
  options: Pick<ISweepOptions, 'isMultiple'>
): Map<string, ReaderKind> {
  const group =
    stageOf(document, id).kind === 'sweep'
      ? groupOf(document, id)
      : newGroup(document, id, options);
  return new Map(group.readings.map(({ reader, kind }) => [reader, kind]));
}

// Edits

/**
 * Gives a stage the variants of a grid of values; without axes a sweep becomes a plain stage.
 *
 * Each variant writes files of its own. What reads one of them becomes a sweep of the same
 * variants; an input that takes several files gets those of all.
 */
export function setSweep(
  document: IWorkflowDocument,
  id: string,
  axes: readonly IAxis[],
  options: ISweepOptions
): ISplice[] {
  const before = axesOf(document, id);
  const isSweep = stageOf(document, id).kind === 'sweep';
  if (isSweep && !before) {
    throw new EditError(id, stageOf(document, id).line);
  }
  if (!isSweep) {
    return axes.length === 0 ? [] : makeSweep(document, id, axes, options);
  }
  const group = groupOf(document, id);
  const wanted = new Set(axes.map(axis => axis.name));
  const gone = before!.filter(axis => !wanted.has(axis.name));
  const had = new Set(before!.map(axis => axis.name));
  const added = axes.filter(axis => !had.has(axis.name));
  const alone = group.readings.filter(one => one.kind !== 'each');
  return compose(document, [
    ...gone.map(
      (axis): Edit =>
        now =>
          takeBack(now, id, axis, options.defaults)
    ),
    ...added.map(
      (axis): Edit =>
        now =>
          passAxis(now, id, axis)
    ),
    ...readersIn(alone).map(
      (reader): Edit =>
        now =>
          collapse(now, reader, alone)
    ),
    ...group.members.map(
      (member): Edit =>
        now =>
          axes.length > 0
            ? setMatrix(now, member, axes)
            : makePlain(now, member, gone)
    ),
    ...alone.filter(isLastOf(alone)).map(
      (reading): Edit =>
        now =>
          spread(now, reading, ownerOf(document, reading), reading.output)
    )
  ]);
}

/** Changes the values that a `foreach` goes through, and those of what varies with it. */
export function setItems(
  document: IWorkflowDocument,
  id: string,
  values: readonly Point[]
): ISplice[] {
  if (!itemsOf(document, id) || values.length === 0) {
    throw new EditError(id, stageOf(document, id).line);
  }
  const group = groupOf(document, id);
  const alone = group.readings.filter(one => one.kind !== 'each');
  return compose(document, [
    ...readersIn(alone).map(
      (reader): Edit =>
        now =>
          collapse(now, reader, alone)
    ),
    ...group.members.map((member): Edit => now => {
      const entry = foreachEntry(now, member)!;
      return inOrder(now.source.text, [
        replaceValue(now.source, entry, [...values])
      ]);
    }),
    ...alone.filter(isLastOf(alone)).map(
      (reading): Edit =>
        now =>
          spread(now, reading, ownerOf(document, reading), reading.output)
    )
  ]);
}

function makeSweep(
  document: IWorkflowDocument,
  id: string,
  axes: readonly IAxis[],
  options: ISweepOptions
): ISplice[] {
  const group = newGroup(document, id, options);
  if (group.fault) {
    throw new EditError(id, stageOf(document, id).line);
  }
  const alone = group.readings.filter(one => one.kind !== 'each');
  return compose(document, [
    ...axes.map(
      (axis): Edit =>
        now =>
          passAxis(now, id, axis)
    ),
    ...group.members.map(
      (member): Edit =>
        now =>
          keyFiles(now, member, group.readings)
    ),
    ...group.members.map(
      (member): Edit =>
        now =>
          setMatrix(now, member, axes)
    ),
    ...alone.map(
      (reading): Edit =>
        now =>
          spread(now, reading, ownerOf(document, reading), reading.output)
    )
  ]);
}

/** The stage that writes what is read. */
function ownerOf(document: IWorkflowDocument, { output }: IReading): string {
  return document.stages.find(stage => stage.outs.includes(output))!.id;
}

function readersIn(readings: readonly IReading[]): string[] {
  return [...new Set(readings.map(one => one.reader))];
}

/** Of several files of one output that a stage reads, the last stands for all: behind it may be a comment. */
function isLastOf(readings: readonly IReading[]): (one: IReading) => boolean {
  return one =>
    readings
      .filter(
        other => other.reader === one.reader && other.output === one.output
      )
      .pop() === one;
}

/** Lets the command take a value of the sweep for a setting. */
function passAxis(
  document: IWorkflowDocument,
  id: string,
  { name }: IAxis
): ISplice[] {
  const stage = stageOf(document, id);
  const template = `\${item.${axisKey(name)}}`;
  if (stage.command) {
    return compose(document, [
      now => setSetting(now, id, name.split('.'), undefined),
      now => addWordsTo(now, id, `--${name} ${template}`)
    ]);
  }
  return changeCommand(document, id, text => {
    const option = new RegExp(
      `((?:^|\\s)--?${escaped(name)}(?:=|\\s+))("[^"]*"|'[^']*'|\\$\\{[^}]*\\}|[^\\s'"]+)`,
      'u'
    );
    const named = new RegExp(`\\$\\{\\s*${escaped(name)}\\s*\\}`, 'gu');
    if (named.test(text)) {
      return text.replace(named, () => template);
    }
    return option.test(text)
      ? text.replace(option, (_, flag: string) => flag + template)
      : `${text} --${name} ${template}`;
  });
}

/** Lets a setting have the first value of an axis again, in the place of all. */
function takeBack(
  document: IWorkflowDocument,
  id: string,
  { name, values }: IAxis,
  defaults: Record<string, Value>
): ISplice[] {
  const stage = stageOf(document, id);
  const isOption = stage.command?.args.some(
    arg =>
      arg.name === name &&
      arg.values.some(value => isTemplate(value.text, axisKey(name)))
  );
  const value = defaults[name] === values[0] ? undefined : values[0];
  return isOption
    ? setSetting(document, id, name.split('.'), value)
    : fillIn(document, id, axisKey(name), values[0]);
}

/** Puts a value in the place of `${item.…}` in the whole stage. */
function fillIn(
  document: IWorkflowDocument,
  id: string,
  key: string,
  value: Point
): ISplice[] {
  const pattern = new RegExp(`\\$\\{\\s*item\\.${key}\\s*\\}`, 'gu');
  return changeStage(document, id, text =>
    text.replace(pattern, () => textFor(value))
  );
}

function setMatrix(
  document: IWorkflowDocument,
  id: string,
  axes: readonly IAxis[]
): ISplice[] {
  const { source } = document;
  const { body } = bodyFor(document, stageOf(document, id));
  const entry = entryOf(body, 'matrix');
  const wanted = new Map(axes.map(axis => [axisKey(axis.name), axis.values]));
  const matrix = Object.fromEntries(wanted);
  if (!entry || !isMap(entry.value) || entry.value.items.length === 0) {
    return inOrder(source.text, [
      entry
        ? replaceValue(source, entry, matrix)
        : addToMap(source, body, 'matrix', matrix, 0, body.items[0] as Entry)
    ]);
  }
  const map = entry.value as YAMLMap;
  const held = entry.value.toJS(source.yaml) as Record<string, Value>;
  const order = Object.keys(held).filter(key => wanted.has(key));
  if (order.length === 0 || !startsWith([...wanted.keys()], order)) {
    return inOrder(source.text, [replaceValue(source, entry, matrix)]);
  }
  return compose(document, [
    now =>
      inOrder(
        now.source.text,
        removeFromMap(
          now.source,
          map,
          new Set(Object.keys(held).filter(key => !wanted.has(key)))
        )
      ),
    ...[...wanted].map(([key, values]): Edit => now => {
      const own = matrixEntry(now, id)!;
      const axis = entryOf(own.value, key);
      const isSame = JSON.stringify(held[key]) === JSON.stringify(values);
      return inOrder(
        now.source.text,
        !axis
          ? addEntry(now.source, own, key, values, 0)
          : isSame
            ? []
            : [replaceValue(now.source, axis, values)]
      );
    })
  ]);
}

function startsWith(list: string[], beginning: string[]): boolean {
  return beginning.every((one, index) => list[index] === one);
}

/** Takes the variants away: the matrix, and what names a variant's own files. */
function makePlain(
  document: IWorkflowDocument,
  id: string,
  axes: readonly IAxis[]
): ISplice[] {
  const name = axes.map(axis => textFor(axis.values[0])).join('-');
  return compose(document, [
    now => {
      const { body } = bodyFor(now, stageOf(now, id));
      return inOrder(
        now.source.text,
        removeFromMap(now.source, body, new Set(['matrix']))
      );
    },
    now =>
      changeStage(now, id, text =>
        text
          .split(KEY)
          .join('')
          .replace(/\$\{\s*key\s*\}/g, () => name)
      ),
    ...axes.map(
      ({ name: axis, values }): Edit =>
        now =>
          fillIn(now, id, axisKey(axis), values[0])
    )
  ]);
}

// Files

/** A path of which each variant has its own. */
function keyed(raw: string): string {
  const cut = raw.lastIndexOf('/') + 1;
  const name = raw.slice(cut);
  const extension = name.includes('${')
    ? ''
    : (/^.+?(\.[^.]+)$/.exec(name)?.[1] ?? '');
  const stem = name.slice(0, name.length - extension.length);
  return `${raw.slice(0, cut)}${stem}${KEY}${extension}`;
}

function isKeyed(raw: string): boolean {
  return /\$\{\s*(key|item)\b/.test(raw);
}

/** Does a stage's command name a file? */
function names(stage: IStage, raw: string): boolean {
  return stage.commands.some(text => mention(raw).test(text));
}

/** A path as a word of a command, or as a part of one. */
function mention(raw: string): RegExp {
  return new RegExp(
    `(?<![\\p{L}\\p{N}_./$\\\\{}-])${escaped(raw)}(?![\\p{L}\\p{N}_-]|\\.[\\p{L}\\p{N}_])`,
    'gu'
  );
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Gives each variant its own outputs, and lets it read those of its own kind. */
function keyFiles(
  document: IWorkflowDocument,
  id: string,
  readings: readonly IReading[]
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  const { body } = bodyFor(document, stage);
  const renamed = new Map<string, string>();
  const splices = stage.outs
    .filter(out => !isKeyed(out.raw))
    .flatMap(out => {
      renamed.set(out.raw, keyed(out.raw));
      return rewritePath(document, body, out, [keyed(out.raw)]);
    });
  for (const { dep, rest } of readings.filter(one => one.reader === id)) {
    const own = keyed(dep.raw.slice(0, dep.raw.length - rest.length)) + rest;
    renamed.set(dep.raw, own);
    splices.push(...rewritePath(document, body, dep, [own]));
  }
  const command = changeCommand(document, id, text =>
    [...renamed].reduce(
      (now, [raw, own]) => now.replace(mention(raw), () => own),
      text
    )
  );
  return inOrder(source.text, [...splices, ...command]);
}

/** Lets a stage read an output of every variant, or of the first. */
function spread(
  document: IWorkflowDocument,
  { reader, dep, rest, kind }: IReading,
  owner: string,
  { list, index }: IPathEntry
): ISplice[] {
  const { source } = document;
  const output = stageOf(document, owner).outs.find(
    one => one.list === list && one.index === index
  )!;
  const stage = stageOf(document, reader);
  const held = stage.deps.find(one => one.raw === dep.raw);
  const paths = output.paths.map(path => path + rest);
  if (!held || (kind === 'first' && paths.includes(held.paths[0]))) {
    return [];
  }
  if (kind === 'first' && stage.deps.some(one => one.paths[0] === paths[0])) {
    return dropFiles(document, reader, [held]);
  }
  const wanted = kind === 'all' ? paths : paths.slice(0, 1);
  const written = wanted.map(path => relative(stage.folder, path));
  const { body } = bodyFor(document, stage);
  const command = names(stage, held.raw)
    ? changeCommand(document, reader, text =>
        text.replace(mention(held.raw), () => written.join(' '))
      )
    : [];
  return inOrder(source.text, [
    ...rewritePath(document, body, held, written),
    ...command
  ]);
}

/** Lets a stage that reads the files of all variants read one alone. */
function collapse(
  document: IWorkflowDocument,
  reader: string,
  readings: readonly IReading[]
): ISplice[] {
  const isLast = isLastOf(readings);
  const gone = readings
    .filter(one => one.reader === reader && one.kind === 'all' && !isLast(one))
    .map(one => one.dep);
  return compose(document, [
    now => dropFiles(now, reader, gone),
    // The ports of a component go with their files; elsewhere they are words of the command.
    now =>
      stageOf(now, reader).command || gone.length === 0
        ? []
        : changeCommand(now, reader, text =>
            gone.reduce(
              (words, { raw }) =>
                words.replace(
                  new RegExp(`\\s+${mention(raw).source}`, 'gu'),
                  ''
                ),
              text
            )
          )
  ]);
}

function dropFiles(
  document: IWorkflowDocument,
  id: string,
  gone: readonly IPathEntry[]
): ISplice[] {
  const written = new Set(gone.map(dep => dep.raw));
  const paths = new Set(gone.flatMap(dep => dep.paths));
  return dropPaths(
    document,
    stageOf(document, id),
    dep => written.has(dep.raw),
    path => paths.has(path)
  );
}

/** Puts other paths in the place of one in a list of a stage. */
function rewritePath(
  document: IWorkflowDocument,
  body: YAMLMap,
  { list, index }: IPathEntry,
  paths: readonly string[]
): ISplice[] {
  const { source } = document;
  const seq = entryOf(body, list)?.value;
  const item = isSeq(seq) ? (seq.items[index] as Node) : null;
  const inFlow = isSeq(seq) && seq.flow === true;
  if (isMap(item)) {
    const { key } = item.items[0] as Entry;
    return [replaceNode(source, key, paths[0], true)];
  }
  if (!isScalar(item)) {
    return [];
  }
  if (paths.length === 1) {
    return [replaceNode(source, item, paths[0], inFlow)];
  }
  const start = startOf(source, item);
  const line = source.text.lastIndexOf('\n', start) + 1;
  const dash = source.text.slice(line, start).replace(/[^\s-]/g, ' ');
  const gap = inFlow ? ', ' : source.eol + dash;
  return [
    {
      offset: start,
      delete: contentEnd(source, item) - start,
      insert: paths.map(path => print(path, inFlow)).join(gap)
    }
  ];
}

/** Changes the words of a stage's only command, in place where the text allows it. */
function changeCommand(
  document: IWorkflowDocument,
  id: string,
  change: (text: string) => string
): ISplice[] {
  const { source } = document;
  const stage = stageOf(document, id);
  const { body } = bodyFor(document, stage);
  const node = commandNode(source, body);
  if (!node) {
    throw new EditError(id, stage.line);
  }
  const span = body.flow ? null : rawSpan(source, node);
  if (!span) {
    const text = change(String(node.value));
    return inOrder(source.text, [
      replaceNode(source, node, text, body.flow === true)
    ]);
  }
  const raw = source.text.slice(span.start, span.end);
  return inOrder(source.text, [
    { offset: span.start, delete: raw.length, insert: change(raw) }
  ]);
}

/** Changes the text of a stage, whatever its parts. */
function changeStage(
  document: IWorkflowDocument,
  id: string,
  change: (text: string) => string
): ISplice[] {
  const { source } = document;
  const { entry } = bodyFor(document, stageOf(document, id));
  const start = startOf(source, entry.value);
  const end = contentEnd(source, entry.value!);
  const text = source.text.slice(start, end);
  return inOrder(source.text, [
    { offset: start, delete: text.length, insert: change(text) }
  ]);
}
