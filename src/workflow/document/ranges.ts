import {
  isCollection,
  isMap,
  isScalar,
  type Node,
  type Pair,
  type Scalar
} from 'yaml';

import type { Entry, IPartedText } from './parts';
import { lineEnd, lineStart } from './textEdits';

/** A parsed text, with its habits of line ends and indentation. */
export interface IParsedText extends IPartedText {
  text: string;
  eol: string;
  /** The line of an offset, counted from 1. */
  lineOf: (offset: number) => number;
  /** Columns that a nested block is indented by. */
  step: number;
  /** Columns that a list is indented by, below its key. */
  listStep: number;
}

/** The value of a key, with its pair. */
export function entryOf(map: unknown, key: string): Entry | null {
  const entry = isMap(map)
    ? map.items.find(
        pair => isScalar(pair.key) && String(pair.key.value) === key
      )
    : undefined;
  return (entry as Entry | undefined) ?? null;
}

export function startOf(
  source: Pick<IPartedText, 'baseOf'>,
  node: unknown
): number {
  return source.baseOf(node as Node) + (node as Node).range![0];
}

/** End of a node, without comments and blank lines; except for block scalars. */
export function endOf(source: Pick<IPartedText, 'baseOf'>, node: Node): number {
  return source.baseOf(node) + node.range![1];
}

/** End of the last character of a node, without comments and blank lines. */
export function contentEnd(source: IParsedText, node: Node): number {
  if (isCollection(node) && !node.flow && node.items.length > 0) {
    const last = node.items[node.items.length - 1];
    return isScalar((last as Pair).key)
      ? entryEnd(source, last as Entry)
      : contentEnd(source, last as Node);
  }
  const end = endOf(source, node);
  // A block scalar's range includes the blank lines after it.
  return isInline(node) ? end : source.text.slice(0, end).trimEnd().length;
}

/** End of a pair's colon. */
export function colonEnd(source: IParsedText, pair: Entry): number {
  return source.text.indexOf(':', endOf(source, pair.key)) + 1;
}

export function entryEnd(source: IParsedText, pair: Entry): number {
  return isEmptyNode(pair.value)
    ? colonEnd(source, pair)
    : contentEnd(source, pair.value!);
}

export function columnOf({ text }: IParsedText, offset: number): number {
  return offset - lineStart(text, offset);
}

/** Start of the line after an entry and its comments. */
export function behind(
  { text }: IParsedText,
  end: number,
  indent: number
): number {
  let at = lineEnd(text, end);
  for (;;) {
    const line = text.slice(at, lineEnd(text, at));
    const comment = /^([ \t]+)#/.exec(line);
    if (!comment || comment[1].length < indent) {
      return at;
    }
    at += line.length;
  }
}

export function isEmptyNode(node: Node | null | undefined): boolean {
  return !node || (isScalar(node) && node.range![0] === node.range![1]);
}

/** Is it written on the line of its key? */
export function isInline(node: Node): boolean {
  return isCollection(node)
    ? node.flow === true || node.items.length === 0
    : !/^BLOCK/.test((node as Scalar).type ?? '');
}
