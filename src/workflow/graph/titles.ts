/** Titles that share fewer letters at their beginning are told apart by it. */
const FEW_SHARED = 4;
/** The letters of the beginning that stay where the middle is left out. */
const LEAST_OF_BEGINNING = 2;

/** How many letters each title shares at its beginning with another one. */
export function sharedBeginnings(
  titles: Iterable<string>
): ReadonlyMap<string, number> {
  // Sorted titles share the most with their neighbours.
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
 * Splits a title before the word in which it begins to differ from others that begin alike.
 *
 * The second part is empty where the first letters tell titles apart.
 */
export function splitTitle(title: string, shared: number): [string, string] {
  const word = /[\p{Script=Latin}\p{N}]{0,6}$/u.exec(
    title.slice(0, shared)
  )![0];
  const at = shared - word.length;
  return at < FEW_SHARED ? [title, ''] : [title.slice(0, at), title.slice(at)];
}

/** Cuts a title to so many letters, in its middle where others begin alike; wide ones count twice. */
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
  const room = letters - LEAST_OF_BEGINNING - 1;
  const rest = lettersOf(word) <= room ? word : title.slice(shared);
  const end =
    lettersOf(rest) <= room ? rest : `${firstLetters(rest, room - 1)}…`;
  return `${firstLetters(beginning, letters - 1 - lettersOf(end))}…${end}`;
}

function lettersOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + widthOf(letter), 0);
}

/** Of Chinese, Japanese and Korean letters, and of pictures, twice a Latin one's. */
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
