/** Length of a common prefix up to which titles need no cut. */
const SHORT_PREFIX = 4;
/** Minimum number of letters before the cut. */
const MIN_PREFIX = 2;

/** Length of the prefix that each title shares with another title. */
export function sharedBeginnings(
  titles: Iterable<string>
): ReadonlyMap<string, number> {
  // Neighbors in sorted order share the longest prefixes.
  const sorted = [...new Set(titles)].sort();
  const shared = new Map(sorted.map(title => [title, 0]));
  for (let index = 1; index < sorted.length; index += 1) {
    const [one, other] = [sorted[index - 1], sorted[index]];
    let length = 0;
    while (length < one.length && one[length] === other[length]) {
      length += 1;
    }
    shared.set(one, Math.max(shared.get(one)!, length));
    shared.set(other, length);
  }
  return shared;
}

/**
 * Splits a title before the word in which it differs from titles with a common prefix.
 *
 * The second part is empty if the first letters differ.
 */
export function splitTitle(title: string, shared: number): [string, string] {
  const word = /[\p{Script=Latin}\p{N}]{0,6}$/u.exec(
    title.slice(0, shared)
  )![0];
  const at = shared - word.length;
  return at < SHORT_PREFIX
    ? [title, '']
    : [title.slice(0, at), title.slice(at)];
}

/** Cuts a title to a length, in its middle if others share its prefix; wide letters count twice. */
export function cutTitle(
  title: string,
  shared: number,
  letters: number
): string {
  if (lettersOf(title) <= letters) {
    return title;
  }
  const [beginning, word] = splitTitle(title, shared);
  if (word === '') {
    return `${firstLetters(title, letters - 1)}…`;
  }
  const room = letters - MIN_PREFIX - 1;
  const rest = lettersOf(word) <= room ? word : title.slice(shared);
  const end =
    lettersOf(rest) <= room ? rest : `${firstLetters(rest, room - 1)}…`;
  return `${firstLetters(beginning, letters - 1 - lettersOf(end))}…${end}`;
}

function lettersOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + widthOf(letter), 0);
}

/** Width of a letter: 2 for Chinese, Japanese and Korean letters and for emoji, else 1. */
function widthOf(letter: string): number {
  return letter > '\u2e7f' ? 2 : 1;
}

function firstLetters(text: string, count: number): string {
  let rest = count;
  let end = 0;
  for (const letter of text) {
    rest -= widthOf(letter);
    if (rest < 0) {
      break;
    }
    end += letter.length;
  }
  return text.slice(0, end);
}
