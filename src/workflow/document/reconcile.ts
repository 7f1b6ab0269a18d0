import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type YAMLMap,
  type YAMLSeq
} from 'yaml';

import { hunks } from './diff';
import type { Entry } from './parts';
import {
  behind,
  colonEnd,
  columnOf,
  contentEnd,
  endOf,
  entryEnd,
  type IParsedText,
  isEmptyNode,
  isInline,
  startOf
} from './ranges';
import { print, type Quote } from './scalars';
import { inOrder, type ITextEdit, lineEnd, lineStart } from './textEdits';
import { type Data, deepEqual, isRecord, type Value } from './values';
import { wordEdits } from './words';

/**
 * Edits that make a text contain new data. Equal data keeps its bytes: only changed entries, items
 * and words are printed.
 *
 * New values are written as blocks down to a number of levels below the root.
 */
export function reconcile(
  source: IParsedText,
  before: Data,
  after: Data,
  levels = 3
): ITextEdit[] {
  const reconciler = new Reconciler(source);
  reconciler.root(before, after, levels);
  return inOrder(source.text, reconciler.edits);
}

interface ISpan {
  start: number;
  end: number;
}

class Reconciler {
  constructor(private _source: IParsedText) {}

  readonly edits: ITextEdit[] = [];

  root(before: Data, after: Data, levels: number): void {
    const { text, eol, yaml } = this._source;
    const root = yaml.contents as Node | null;
    if (root && this._inPlace(root, before, after, levels, false)) {
      return;
    }
    const start = isMap(root) ? startOf(this._source, root) : text.length;
    const end = isMap(root) ? lineEnd(text, endOf(this._source, root)) : start;
    const lines = Object.entries(after).flatMap(([key, value]) =>
      this._lines(key, value, levels)
    );
    const head = start > 0 && text[start - 1] !== '\n' ? eol : '';
    this._replace(start, end, head + lines.map(line => line + eol).join(''));
  }

  // Replacement of values

  /** Changes the parts of a value that differ; false if the whole has to be written. */
  private _inPlace(
    node: Node,
    before: Value,
    after: Value,
    levels: number,
    inFlow: boolean
  ): boolean {
    if (isScalar(node) && typeof before === 'string') {
      const edits =
        typeof after === 'string' &&
        wordEdits(this._source, node, before, after, inFlow);
      this.edits.push(...(edits || []));
      return Boolean(edits);
    }
    if (!isCollection(node) || node.items.length === 0 || isEmpty(after)) {
      return false;
    }
    const isFlow = inFlow || node.flow === true;
    if (isMap(node) && isRecord(before) && isRecord(after)) {
      const stays =
        !isFlow ||
        Object.keys(before).some(key => key in after) ||
        renaming(before, after) !== null;
      if (stays) {
        this._map(node as YAMLMap, before, after, levels, isFlow);
      }
      return stays;
    }
    if (isSeq(node) && Array.isArray(before) && Array.isArray(after)) {
      this._list(node as YAMLSeq, before, after, levels, isFlow);
      return true;
    }
    return false;
  }

  private _map(
    map: YAMLMap,
    before: Data,
    after: Data,
    levels: number,
    isFlow: boolean
  ): void {
    const pairs = map.items as Entry[];
    const indices = new Map(
      pairs.map((pair, index) => [String(pair.key.value), index])
    );
    const change = (key: string, name: string, depth: number): void => {
      const pair = pairs[indices.get(key)!];
      this._value(pair, before[key], after[name], depth, isFlow);
    };
    const [old, now] = [Object.keys(before), Object.keys(after)];
    const removals = new Set<number>();
    const additions = new Map<number, string[]>();
    const rename = renaming(before, after);
    if (rename) {
      const [key, name] = rename;
      this._node(pairs[indices.get(key)!].key, name, true);
      change(key, name, levels);
    } else {
      for (const { start, end, from, to } of hunks(old, now)) {
        old.slice(start, end).forEach(key => removals.add(indices.get(key)!));
        const lines = now
          .slice(from, to)
          .flatMap(key =>
            isFlow
              ? `${print(key)}: ${print(after[key])}`
              : this._lines(key, after[key], levels)
          );
        additions.set(indices.get(old[end]) ?? pairs.length, lines);
      }
    }
    this._splice(map, removals, additions);
    for (const key of old) {
      const isSame = Object.is(before[key], after[key]);
      if (key in after && !isSame && !removals.has(indices.get(key)!)) {
        // The body of a `foreach` is one level deeper.
        change(key, key, key === 'do' ? levels + 1 : levels);
      }
    }
  }

  /** Replaces the value of a pair; `levels` are those of its map. */
  private _value(
    pair: Entry,
    before: Value,
    after: Value,
    levels: number,
    inFlow: boolean
  ): void {
    const source = this._source;
    const node = pair.value;
    if (node && this._inPlace(node, before, after, levels - 1, inFlow)) {
      return;
    }
    const colon = colonEnd(source, pair);
    const end = isEmptyNode(node) ? colon : contentEnd(source, node!);
    const start = isEmptyNode(node) ? colon : startOf(source, node);
    const lines = this._lines(String(pair.key.value), after, levels);
    if (isCollection(node) && !isInline(node) && isEmpty(after)) {
      // Comments between the parts stay.
      this._replace(colon, colon, ` ${print(after)}`);
      node.items.forEach((_, index) =>
        this._removeLines(this._span(node as YAMLMap, index))
      );
    } else if (lines.length > 1 && !inFlow && isEmpty(before)) {
      // Lines below the key; a comment after the key stays.
      const indent = ' '.repeat(columnOf(source, startOf(source, pair.key)));
      this._replace(colon, end, '');
      this._insertLines(
        lineEnd(source.text, end),
        lines.slice(1).map(line => indent + line)
      );
    } else if (
      start > colon &&
      isInline(node!) &&
      !source.text.slice(colon, start).includes('\n')
    ) {
      this._node(node!, after, inFlow);
    } else {
      this._replace(colon, end, ` ${printIn(after, inFlow)}`);
    }
  }

  private _list(
    list: YAMLSeq,
    before: Value[],
    after: Value[],
    levels: number,
    isFlow: boolean
  ): void {
    const items = list.items as Node[];
    const removals = new Set<number>();
    const additions = new Map<number, string[]>();
    // In a hunk of equal lengths each item is replaced, else the last ones: a comment stays.
    const changes =
      before.length === after.length
        ? [{ start: 0, end: before.length, from: 0, to: after.length }]
        : hunks(before, after);
    for (const { start, end, from, to } of changes) {
      const pairs = Math.min(end - start, to - from);
      const [first, next] = [end - pairs, to - pairs];
      for (let index = start; index < first; index += 1) {
        removals.add(index);
      }
      const lines = after
        .slice(from, next)
        .map(one => (isFlow ? print(one) : `- ${itemText(one)}`));
      additions.set(first, lines);
      for (let index = 0; index < pairs; index += 1) {
        const node = items[first + index];
        const [old, now] = [before[first + index], after[next + index]];
        const isDone =
          Object.is(old, now) ||
          this._inPlace(node, old, now, levels - 1, isFlow);
        if (!isDone) {
          this._node(node, now, isFlow);
        }
      }
    }
    this._splice(list, removals, additions);
  }

  // Insertion and removal of items

  /** The characters of a part of a collection; in block style with its dash. */
  private _span(node: YAMLMap | YAMLSeq, index: number): ISpan {
    const source = this._source;
    if (isMap(node)) {
      const pair = node.items[index] as Entry;
      return { start: startOf(source, pair.key), end: entryEnd(source, pair) };
    }
    const item = node.items[index] as Node;
    const start = startOf(source, item);
    return {
      start: node.flow ? start : source.text.lastIndexOf('-', start - 1),
      end: contentEnd(source, item)
    };
  }

  /** Inserts parts into a collection, each before a part or at the end, and removes some. */
  private _splice(
    node: YAMLMap | YAMLSeq,
    removals: ReadonlySet<number>,
    additions: ReadonlyMap<number, readonly string[]>
  ): void {
    const { text, eol } = this._source;
    const count = node.items.length;
    additions.forEach((lines, index) => {
      if (lines.length === 0) {
        return;
      }
      const { start } = this._span(node, Math.min(index, count - 1));
      const { end } = this._span(node, count - 1);
      const words = lines.join(', ');
      if (node.flow && index < count) {
        this._replace(start, start, `${words}, `);
      } else if (node.flow) {
        this._replace(end, end, `, ${words}`);
      } else if (index < count) {
        // On separate lines in front, also after a dash.
        const indent = eol + ' '.repeat(columnOf(this._source, start));
        this._replace(start, start, lines.join(indent) + indent);
      } else {
        const columns = columnOf(this._source, this._span(node, 0).start);
        this._insertLines(
          behind(this._source, end, columns),
          lines.map(line => ' '.repeat(columns) + line)
        );
      }
    });
    removals.forEach(index => {
      const { start, end } = this._span(node, index);
      let next = index + 1;
      while (removals.has(next)) {
        next += 1;
      }
      const hasNext = next < count;
      const isLine = text.slice(lineStart(text, start), start).trim() === '';
      if (!node.flow && isLine) {
        this._removeLines({ start, end });
      } else if (hasNext) {
        // The next remaining item takes this position, also after a dash: `- a: 1`.
        this._replace(start, this._span(node, next).start, '');
      } else {
        // At the tail of a collection, the comma in front is removed too.
        const isTail = node.flow && index > 0;
        const from = isTail ? this._span(node, index - 1).end : start;
        this._replace(from, end, '');
      }
    });
  }

  private _removeLines({ start, end }: ISpan): void {
    const { text } = this._source;
    const first = lineStart(text, start);
    const last = lineEnd(text, end);
    const isOpenEnd = last === text.length && !text.endsWith('\n');
    const eol = text[first - 2] === '\r' ? 2 : 1;
    this._replace(isOpenEnd && first > 0 ? first - eol : first, last, '');
  }

  /** Inserts whole lines before the line that starts at `offset`, or at the text's end. */
  private _insertLines(offset: number, lines: readonly string[]): void {
    const { text, eol } = this._source;
    const endsOpen = offset === text.length && !text.endsWith('\n');
    const words = endsOpen
      ? lines.map(line => eol + line)
      : lines.map(line => line + eol);
    this._replace(offset, offset, words.join(''));
  }

  /** Replaces a scalar, an alias or a flow collection by a value. */
  private _node(node: Node, value: Value, inFlow: boolean): void {
    const isText = typeof value === 'string';
    this._replace(
      startOf(this._source, node),
      contentEnd(this._source, node),
      print(value, inFlow || !isText, isText ? quoteOf(node) : null)
    );
  }

  private _replace(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text });
  }

  /** Prints the lines of `key: value`; maps are blocks to a number of levels, lists one less. */
  private _lines(key: string, value: Value, levels: number): string[] {
    const { step, listStep } = this._source;
    const name = `${print(key, false)}:`;
    const indented = (columns: number, lines: string[]): string[] => [
      name,
      ...lines.map(line => ' '.repeat(columns) + line)
    ];
    if (levels > 0 && Array.isArray(value) && value.length > 0) {
      const items = value.map(one => `- ${itemText(one)}`);
      return indented(listStep, items);
    }
    if (levels > 1 && isRecord(value) && !isEmpty(value)) {
      const inner = Object.entries(value).flatMap(([one, part]) =>
        this._lines(one, part, one === 'do' ? levels : levels - 1)
      );
      return indented(step, inner);
    }
    return [`${name} ${printIn(value, false)}`];
  }
}

function isEmpty(value: Value): boolean {
  return (
    value === null ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

/** The old and new name of the only renamed key; null if more differs. */
function renaming(before: Data, after: Data): [string, string] | null {
  const [key, ...others] = Object.keys(before).filter(one => !(one in after));
  const [name, ...more] = Object.keys(after).filter(one => !(one in before));
  if (key === undefined || name === undefined || others.length + more.length) {
    return null;
  }
  const [old, now] = [before[key], after[name]];
  const isSame =
    isRecord(old) && isRecord(now) && !isEmpty(old)
      ? Object.keys(old).some(one => one in now)
      : deepEqual(old, now);
  return isSame ? [key, name] : null;
}

function quoteOf(node: unknown): Quote {
  const type = isScalar(node) && !isAlias(node) ? node.type : null;
  return type === 'QUOTE_SINGLE' ? "'" : type === 'QUOTE_DOUBLE' ? '"' : null;
}

/** Prints an item of a block list; a map with a single key is written as `- key: value`. */
function itemText(value: Value): string {
  if (isRecord(value) && Object.keys(value).length === 1) {
    const [[key, one]] = Object.entries(value);
    return `${print(key, false)}: ${printIn(one, false)}`;
  }
  return printIn(value, false);
}

function printIn(value: Value, inFlow: boolean): string {
  return print(value, inFlow || typeof value !== 'string');
}
