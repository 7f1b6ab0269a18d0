import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq
} from 'yaml';

import type { Entry, IPartedText } from './parts';
import { print, type Quote, type Value } from './scalars';
import { lineEnd, lineStart, type ISplice } from './splices';

/** A parsed text. */
export interface ISource extends IPartedText {
  text: string;
  eol: string;
  /** The line that holds an offset, counted from 1. */
  lineOf: (offset: number) => number;
  /** Columns that a nested block is indented by. */
  step: number;
  /** Columns that a list is indented by, below its key. */
  listStep: number;
}

export type { Entry } from './parts';

/** The value of a key, with the pair that holds it. */
export function entryOf(map: unknown, key: string): Entry | null {
  const found = isMap(map)
    ? map.items.find(
        pair => isScalar(pair.key) && String(pair.key.value) === key
      )
    : undefined;
  return (found as Entry | undefined) ?? null;
}

export function startOf(
  source: Pick<ISource, 'baseOf'>,
  node: unknown
): number {
  return source.baseOf(node as Node) + (node as Node).range![0];
}

/** Behind a node as it is written, without comments and blank lines; but for blocks. */
export function endOf(source: Pick<ISource, 'baseOf'>, node: Node): number {
  return source.baseOf(node) + node.range![1];
}

/** Behind the last character that belongs to a node, without comments and blank lines. */
export function contentEnd(source: ISource, node: Node): number {
  if (isCollection(node) && !node.flow && node.items.length > 0) {
    const last = node.items[node.items.length - 1];
    return isScalar((last as Pair).key)
      ? entryEnd(source, last as Entry)
      : contentEnd(source, last as Node);
  }
  const end = endOf(source, node);
  const isBlock = isScalar(node) && /^BLOCK/.test(node.type ?? '');
  // A block scalar's range takes the blank lines behind it along.
  return isBlock ? source.text.slice(0, end).replace(/\s+$/, '').length : end;
}

function isEmptyValue(node: Node | null | undefined): boolean {
  return !node || (isScalar(node) && node.range![0] === node.range![1]);
}

/** Behind the colon of a pair. */
function colonEnd(source: ISource, pair: Entry): number {
  return source.text.indexOf(':', endOf(source, pair.key)) + 1;
}

function entryEnd(source: ISource, pair: Entry): number {
  return isEmptyValue(pair.value)
    ? colonEnd(source, pair)
    : contentEnd(source, pair.value!);
}

function column(source: ISource, offset: number): number {
  return offset - lineStart(source.text, offset);
}

function indentBy(columns: number, lines: string[]): string[] {
  return lines.map(line => ' '.repeat(columns) + line);
}

/** The lines of `key: value`; objects nest as blocks `depth` levels deep, lists one less. */
export function blockLines(
  source: ISource,
  key: string,
  value: Value,
  depth: number
): string[] {
  if (depth > 0 && Array.isArray(value) && value.length > 0) {
    const items = value.map(one => `- ${itemText(one)}`);
    return [`${print(key, false)}:`, ...indentBy(source.listStep, items)];
  }
  const isObject =
    value !== null && typeof value === 'object' && !Array.isArray(value);
  if (depth > 1 && isObject && Object.keys(value).length > 0) {
    const inner = Object.entries(value).flatMap(([name, one]) =>
      blockLines(source, name, one, depth - 1)
    );
    return [`${print(key, false)}:`, ...indentBy(source.step, inner)];
  }
  return [`${print(key, false)}: ${print(value, typeof value !== 'string')}`];
}

/** Inserts whole lines in front of the line that begins at `offset`, or at the text's end. */
function insertLines(
  source: ISource,
  offset: number,
  lines: string[]
): ISplice {
  const { text, eol } = source;
  const endsOpen =
    offset === text.length && text !== '' && !text.endsWith('\n');
  const insert = endsOpen
    ? eol + lines.join(eol)
    : lines.map(line => line + eol).join('');
  return { offset, delete: 0, insert };
}

/** Behind the line where an entry ends, and behind the comments that go with it. */
function behindEntry(source: ISource, end: number, indent: number): number {
  const { text } = source;
  let at = lineEnd(text, end);
  for (;;) {
    const comment = /^([ \t]*)#.*(\r?\n|$)/.exec(
      text.slice(at, lineEnd(text, at))
    );
    if (!comment || comment[1].length < indent || comment[1].length === 0) {
      return at;
    }
    at += comment[0].length;
  }
}

/** Adds `key: value` at the end of a map that has entries. */
function appendEntry(
  source: ISource,
  map: YAMLMap,
  key: string,
  value: Value,
  depth: number
): ISplice {
  const last = map.items[map.items.length - 1] as Entry;
  const end = entryEnd(source, last);
  if (map.flow) {
    return {
      offset: end,
      delete: 0,
      insert: `, ${print(key)}: ${print(value)}`
    };
  }
  const indent = column(source, startOf(source, (map.items[0] as Entry).key));
  const lines = indentBy(indent, blockLines(source, key, value, depth));
  return insertLines(source, behindEntry(source, end, indent), lines);
}

/** What replaces the empty `{}`, `[]` or nothing behind a key. */
function fillEmpty(source: ISource, pair: Entry, lines: string[]): ISplice[] {
  const { text, eol } = source;
  const start = colonEnd(source, pair);
  const end = isEmptyValue(pair.value)
    ? start
    : contentEnd(source, pair.value!);
  const line = lineEnd(text, start);
  const clear = { offset: start, delete: end - start, insert: '' };
  const open = line === text.length && !text.endsWith('\n');
  return [
    clear,
    {
      offset: line,
      delete: 0,
      insert: open
        ? eol + lines.join(eol)
        : lines.map(one => one + eol).join('')
    }
  ];
}

/** Adds `key: value` to the map behind `pair`, whatever form that has now. */
export function addEntry(
  source: ISource,
  pair: Entry,
  key: string,
  value: Value,
  depth: number
): ISplice[] {
  const map = pair.value;
  if (isMap(map) && map.items.length > 0) {
    return [appendEntry(source, map as YAMLMap, key, value, depth)];
  }
  if (isInsideFlow(source, pair)) {
    return [replaceValue(source, pair, { [key]: value })];
  }
  const indent = column(source, startOf(source, pair.key)) + source.step;
  return fillEmpty(
    source,
    pair,
    indentBy(indent, blockLines(source, key, value, depth))
  );
}

/** Adds an item to the list behind `pair`, whatever form that has now. */
export function addItem(source: ISource, pair: Entry, value: Value): ISplice[] {
  const list = pair.value;
  if (isSeq(list) && list.items.length > 0) {
    const end = contentEnd(source, list.items[list.items.length - 1] as Node);
    if (list.flow) {
      return [{ offset: end, delete: 0, insert: `, ${print(value)}` }];
    }
    const indent = column(source, startOf(source, list));
    const line = ' '.repeat(indent) + `- ${itemText(value)}`;
    return [insertLines(source, behindEntry(source, end, indent), [line])];
  }
  if (isInsideFlow(source, pair)) {
    return [replaceValue(source, pair, [value])];
  }
  const indent = column(source, startOf(source, pair.key)) + source.listStep;
  return fillEmpty(source, pair, [' '.repeat(indent) + `- ${itemText(value)}`]);
}

/** A map with one key stands in a list as `- key: value`. */
function itemText(value: Value): string {
  const isObject =
    value !== null && typeof value === 'object' && !Array.isArray(value);
  if (isObject && Object.keys(value).length === 1) {
    const [[key, one]] = Object.entries(value);
    return `${print(key, false)}: ${print(one, typeof one !== 'string')}`;
  }
  return print(value, typeof value !== 'string');
}

function isInsideFlow(source: ISource, pair: Entry): boolean {
  let inside = false;
  const look = (node: unknown, flow: boolean): void => {
    if (isMap(node)) {
      for (const one of node.items) {
        if ((one as unknown) === pair) {
          inside = flow || node.flow === true;
        } else {
          look(one.value, flow || node.flow === true);
        }
      }
    } else if (isSeq(node)) {
      node.items.forEach(one => look(one, flow || node.flow === true));
    }
  };
  look(source.yaml.contents, false);
  return inside;
}

/** Adds `key: value` to a map with entries; at the end, or in front of an entry. */
export function addToMap(
  source: ISource,
  map: YAMLMap,
  key: string,
  value: Value,
  depth: number,
  before: Entry | null = null
): ISplice {
  if (before === null) {
    return appendEntry(source, map, key, value, depth);
  }
  const start = startOf(source, before.key);
  if (map.flow || !isLineHead(source, start)) {
    const gap = map.flow
      ? ', '
      : source.eol + ' '.repeat(column(source, start));
    const text = map.flow
      ? `${print(key)}: ${print(value)}`
      : `${print(key, false)}: ${print(value)}`;
    return { offset: start, delete: 0, insert: text + gap };
  }
  const indent = column(source, start);
  const lines = indentBy(indent, blockLines(source, key, value, depth));
  return insertLines(source, start - indent, lines);
}

function isLineHead(source: ISource, offset: number): boolean {
  return (
    source.text.slice(lineStart(source.text, offset), offset).trim() === ''
  );
}

interface ISpan {
  start: number;
  end: number;
}

/** Removes some parts of a collection; with the last one, `emptied` decides. */
function removeSpans(
  source: ISource,
  spans: ISpan[],
  gone: ReadonlySet<number>,
  isFlow: boolean
): ISplice[] {
  return [...gone].map(index => {
    const { start, end } = isFlow
      ? flowSpan(spans, index, gone)
      : blockSpan(source, spans, index);
    return { offset: start, delete: end - start, insert: '' };
  });
}

function flowSpan(
  spans: ISpan[],
  index: number,
  gone: ReadonlySet<number>
): ISpan {
  const isKeptBehind = spans.some(
    (_, other) => other > index && !gone.has(other)
  );
  if (isKeptBehind) {
    return { start: spans[index].start, end: spans[index + 1].start };
  }
  // The tail of the collection goes: the comma in front goes with each.
  const start = index > 0 ? spans[index - 1].end : spans[index].start;
  return { start, end: spans[index].end };
}

function blockSpan(source: ISource, spans: ISpan[], index: number): ISpan {
  const { text } = source;
  const { start, end } = spans[index];
  if (!isLineHead(source, start)) {
    // `- a: 1` with more keys below: the next key takes this place.
    return { start, end: spans[index + 1]?.start ?? end };
  }
  const first = lineStart(text, start);
  const last = lineEnd(text, end);
  const isOpenEnd = last === text.length && !text.endsWith('\n');
  if (isOpenEnd && first > 0) {
    const before = text[first - 2] === '\r' ? first - 2 : first - 1;
    return { start: before, end: last };
  }
  return { start: first, end: last };
}

/** Removes entries of a map that keeps others. */
export function removeFromMap(
  source: ISource,
  map: YAMLMap,
  keys: ReadonlySet<string>
): ISplice[] {
  const items = map.items as Entry[];
  const spans = items.map(pair => ({
    start: startOf(source, pair.key),
    end: entryEnd(source, pair)
  }));
  const gone = new Set(
    items.flatMap((pair, index) =>
      keys.has(String(pair.key.value)) ? [index] : []
    )
  );
  return removeSpans(source, spans, gone, map.flow === true);
}

/** Removes items of a list that keeps others. */
export function removeFromList(
  source: ISource,
  list: YAMLSeq,
  gone: ReadonlySet<number>
): ISplice[] {
  const spans = list.items.map(item => {
    const start = startOf(source, item);
    const dash = list.flow ? start : source.text.lastIndexOf('-', start - 1);
    return { start: dash, end: contentEnd(source, item as Node) };
  });
  return removeSpans(source, spans, gone, list.flow === true);
}

/** Empties a block collection to `{}` or `[]`, so that it stays one. */
export function clear(
  source: ISource,
  pair: Entry,
  empty: '{}' | '[]'
): ISplice[] {
  const { text } = source;
  const value = pair.value as YAMLMap | YAMLSeq;
  if (value.flow) {
    const start = startOf(source, value);
    return [
      {
        offset: start,
        delete: contentEnd(source, value) - start,
        insert: empty
      }
    ];
  }
  const items = value.items as (Entry | Node)[];
  const all = new Set(items.keys());
  const removals = isMap(value)
    ? removeFromMap(
        source,
        value as YAMLMap,
        new Set(items.map(one => String((one as Entry).key.value)))
      )
    : removeFromList(source, value as YAMLSeq, all);
  const colon = colonEnd(source, pair);
  return [
    ...removals.map(one => clip(text, one, colon)),
    { offset: colon, delete: 0, insert: ` ${empty}` }
  ];
}

/** Keeps a removal behind the colon of its key. */
function clip(text: string, splice: ISplice, colon: number): ISplice {
  const cut = Math.max(0, colon - splice.offset);
  return {
    ...splice,
    offset: splice.offset + cut,
    delete: splice.delete - cut
  };
}

/** Puts another value behind a key, in the quotes of the old one if both are strings. */
export function replaceValue(
  source: ISource,
  pair: Entry,
  value: Value
): ISplice {
  const start = colonEnd(source, pair);
  const old = pair.value;
  if (isEmptyValue(old)) {
    return {
      offset: start,
      delete: 0,
      insert: ` ${print(value, typeof value !== 'string' || isInsideFlow(source, pair))}`
    };
  }
  const isOnKeysLine = !source.text
    .slice(start, startOf(source, old))
    .includes('\n');
  if (isOnKeysLine && !(isCollection(old) && !old.flow)) {
    return replaceNode(source, old!, value, isInsideFlow(source, pair));
  }
  return {
    offset: start,
    delete: contentEnd(source, old!) - start,
    insert: ` ${print(value)}`
  };
}

/** Puts another value in the place of a scalar, an alias or a flow collection. */
export function replaceNode(
  source: ISource,
  node: Node,
  value: Value,
  inFlow: boolean
): ISplice {
  const start = startOf(source, node);
  const text = print(value, inFlow || typeof value !== 'string', quoteOf(node));
  return {
    offset: start,
    delete: contentEnd(source, node) - start,
    insert: text
  };
}

function quoteOf(node: Node): Quote {
  if (!isScalar(node) || isAlias(node)) {
    return null;
  }
  return node.type === 'QUOTE_SINGLE'
    ? "'"
    : node.type === 'QUOTE_DOUBLE'
      ? '"'
      : null;
}
