/** Replaces the characters from `start` to `end` by `text`. */
export interface ITextEdit {
  start: number;
  end: number;
  text: string;
}

/** Applies edits that count in the same text, ordered and without overlap. */
export function applyEdits(text: string, edits: readonly ITextEdit[]): string {
  let result = '';
  let at = 0;
  for (const edit of edits) {
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}

/**
 * Sorts edits of the same text; of overlapping edits, the second is trimmed.
 *
 * Each is reduced to the real change. Insertions at the same offset keep the order of the list.
 */
export function inOrder(
  text: string,
  edits: readonly ITextEdit[]
): ITextEdit[] {
  const result: ITextEdit[] = [];
  const sorted = [...edits].sort(
    (one, other) => one.start - other.start || one.end - other.end
  );
  let at = 0;
  for (const edit of sorted) {
    const start = Math.max(at, edit.start);
    const end = Math.max(at, edit.end);
    const shrunk = shrink(text, { ...edit, start, end });
    if (shrunk.end > shrunk.start || shrunk.text !== '') {
      result.push(shrunk);
    }
    at = end;
  }
  return result;
}

/** Returns the edit from a text to another; null if they are equal. */
export function editBetween(before: string, after: string): ITextEdit | null {
  const whole = { start: 0, end: before.length, text: after };
  return before === after ? null : shrink(before, whole);
}

function shrink(whole: string, { start, end, text }: ITextEdit): ITextEdit {
  const most = Math.min(end - start, text.length);
  let head = 0;
  while (head < most && whole[start + head] === text[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < most - head &&
    whole[end - 1 - tail] === text[text.length - 1 - tail]
  ) {
    tail += 1;
  }
  return {
    start: start + head,
    end: end - tail,
    text: text.slice(head, text.length - tail)
  };
}

/** Offset of the start of a line, after a byte order mark. */
export function lineStart(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return start === 0 && text.startsWith('\ufeff') && offset > 0 ? 1 : start;
}

/** Offset after the line break of a line; the end of the text for the last line. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}
