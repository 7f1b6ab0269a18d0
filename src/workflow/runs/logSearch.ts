import type { IAnsiSpan } from '../../ui/ansi';

/** So many places are found and marked; a log of one letter would have no end of them. */
export const MOST = 2000;

/** Where a log has the words that are searched, without regard to upper and lower case. */
export function findIn(text: string, words: string): number[] {
  const [low, needle] = [text.toLowerCase(), words.toLowerCase()];
  if (needle === '') {
    return [];
  }
  // A few letters change their length with their case: such a log is searched as it is.
  return low.length === text.length
    ? positions(low, needle)
    : positions(text, words);
}

function positions(text: string, words: string): number[] {
  const offsets: number[] = [];
  for (
    let at = text.indexOf(words);
    at >= 0 && offsets.length < MOST;
    at = text.indexOf(words, at + words.length)
  ) {
    offsets.push(at);
  }
  return offsets;
}

/** A stretch of one style; `match` counts from 0 where it is part of a place that was found. */
interface IMarkedSpan extends IAnsiSpan {
  match: number | null;
}

/** Cuts the stretches of a log where a place that was found begins or ends. */
export function markSpans(
  spans: readonly IAnsiSpan[],
  places: readonly number[],
  length: number
): IMarkedSpan[] {
  const result: IMarkedSpan[] = [];
  let begin = 0;
  let match = 0;
  for (const { text, styles } of spans) {
    const end = begin + text.length;
    let at = begin;
    while (at < end) {
      while (match < places.length && places[match] + length <= at) {
        match += 1;
      }
      const place = match < places.length ? places[match] : Infinity;
      const isInside = place <= at;
      const next = Math.min(end, isInside ? place + length : place);
      result.push({
        text: text.slice(at - begin, next - begin),
        styles,
        match: isInside ? match : null
      });
      at = next;
    }
    begin = end;
  }
  return result;
}
