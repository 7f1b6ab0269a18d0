import type { IAnsiSpan } from '../../ui/ansi';

/** Maximum number of matches, since a single letter may match without end. */
export const MAX_MATCHES = 2000;

/** Offsets of a text in a log, ignoring case. */
export function findIn(text: string, words: string): number[] {
  const [low, needle] = [text.toLowerCase(), words.toLowerCase()];
  if (needle === '') {
    return [];
  }
  // Some letters change their length with their case: such a log is searched case-sensitively.
  return low.length === text.length
    ? positions(low, needle)
    : positions(text, words);
}

function positions(text: string, words: string): number[] {
  const offsets: number[] = [];
  for (
    let at = text.indexOf(words);
    at >= 0 && offsets.length < MAX_MATCHES;
    at = text.indexOf(words, at + words.length)
  ) {
    offsets.push(at);
  }
  return offsets;
}

/** Span of a single style; `match` is the index of its match, if any. */
interface IMarkedSpan extends IAnsiSpan {
  match: number | null;
}

/** Splits the spans of a log at the ends of matches. */
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
