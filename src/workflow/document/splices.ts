/** Replace `delete` characters at `offset` by `insert`. */
export interface ISplice {
  offset: number;
  delete: number;
  insert: string;
}

/** Applies splices one after the other: each one's offset counts in the text its forerunners left. */
export function applySplices(
  text: string,
  splices: readonly ISplice[]
): string {
  // From the end of the text on each leaves what is in front of it: those are joined once.
  let parts: string[] = [];
  let end = text.length;
  const join = (): void => {
    text = text.slice(0, end) + parts.reverse().join('');
    parts = [];
    end = text.length;
  };
  for (const { offset, delete: count, insert } of splices) {
    if (offset + count > end) {
      join();
    }
    parts.push(text.slice(offset + count, end), insert);
    end = Math.min(offset, end);
  }
  join();
  return text;
}

/**
 * Orders splices that all count in the same text so that they can be applied one by one.
 *
 * Each is cut down to what really changes. Of those at the same offset the first in the list
 * ends up first in the text.
 */
export function inOrder(text: string, splices: readonly ISplice[]): ISplice[] {
  return splices
    .map((splice, index) => ({ splice: shrink(text, splice), index }))
    .filter(({ splice }) => splice.delete > 0 || splice.insert !== '')
    .sort(
      (one, other) =>
        other.splice.offset - one.splice.offset ||
        // What is removed behind an insertion must go before it moves away.
        Number(other.splice.delete > 0) - Number(one.splice.delete > 0) ||
        other.index - one.index
    )
    .map(({ splice }) => splice);
}

function shrink(text: string, splice: ISplice): ISplice {
  const old = text.slice(splice.offset, splice.offset + splice.delete);
  const { insert } = splice;
  const most = Math.min(old.length, insert.length);
  let head = 0;
  while (head < most && old[head] === insert[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < most - head &&
    old[old.length - 1 - tail] === insert[insert.length - 1 - tail]
  ) {
    tail += 1;
  }
  return {
    offset: splice.offset + head,
    delete: old.length - head - tail,
    insert: insert.slice(head, insert.length - tail)
  };
}

/** Where the line of an offset begins; behind the mark that some editors put before the first. */
export function lineStart(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return start === 0 && text.startsWith('\ufeff') && offset > 0 ? 1 : start;
}

/** Behind the line break of the line that holds `offset`; the end of the text on the last line. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}
