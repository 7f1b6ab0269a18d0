import type { Scalar } from 'yaml';

import { hunks } from './diff';
import { contentEnd, type IParsedText, startOf } from './ranges';
import { isPlain } from './scalars';
import type { ITextEdit } from './textEdits';

interface IWord {
  /** White space before the word. */
  space: string;
  word: string;
  start: number;
  end: number;
}

/**
 * Edits from the text of a scalar to another; only changed words are written, so that a command
 * over several lines keeps its lines.
 *
 * Null if the words are escaped, or cannot be written in this style.
 */
export function wordEdits(
  source: IParsedText,
  node: Scalar,
  before: string,
  after: string,
  inFlow: boolean
): ITextEdit[] | null {
  const { text, eol } = source;
  const { type } = node;
  const isBlock = type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED';
  if (type === 'PLAIN' ? !staysPlain(before, after, inFlow) : !isBlock) {
    return null;
  }
  const start = startOf(source, node);
  const first = isBlock ? text.indexOf('\n', start) + 1 : start;
  const raw = text.slice(first, contentEnd(source, node));
  const [places, old, now] = [wordsIn(raw), wordsIn(before), wordsIn(after)];
  const isVerbatim =
    places.length === old.length &&
    places.every(({ word }, index) => word === old[index].word);
  const isSameFrame =
    old[0]?.space === now[0]?.space &&
    before.slice(old[old.length - 1]?.end) ===
      after.slice(now[now.length - 1]?.end);
  if (!isVerbatim || !isSameFrame || now.length === 0) {
    return null;
  }
  const edits = hunks(
    old.map(({ space, word }) => space + word),
    now.map(({ space, word }) => space + word)
  ).map(({ start: at, end, from, to }): ITextEdit => {
    // The space in front differs, or is removed with the words.
    const keepsSpace =
      end > at && to > from && old[at].space === now[from].space;
    return {
      start: keepsSpace ? places[at].start : (places[at - 1]?.end ?? 0),
      end: places[end - 1]?.end ?? 0,
      text: after.slice(
        keepsSpace ? now[from].start : (now[from - 1]?.end ?? 0),
        now[to - 1]?.end ?? 0
      )
    };
  });
  if (type !== 'BLOCK_LITERAL' && edits.some(one => one.text.includes('\n'))) {
    return null;
  }
  const indent = /^[ \t]*/.exec(raw)![0];
  return edits.map(edit => ({
    start: first + edit.start,
    end: first + edit.end,
    text: edit.text.replace(/\n/g, eol + indent)
  }));
}

function wordsIn(text: string): IWord[] {
  return [...text.matchAll(/(\s*)(\S+)/g)].map(
    ({ 0: { length }, 1: space, 2: word, index }) => ({
      space,
      word,
      start: index! + space.length,
      end: index! + length
    })
  );
}

/** Tests whether a plain scalar can become another plain scalar. */
function staysPlain(before: string, after: string, inFlow: boolean): boolean {
  const isSameStart = before.slice(0, 3) === after.slice(0, 3);
  // Single words may be of another type: numbers, dates, null.
  return inFlow || !isSameStart || !/\D\s/.test(after)
    ? isPlain(after, inFlow)
    : !/:(\s|$)|\s#/.test(after);
}
