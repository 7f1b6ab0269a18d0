import { describe, expect, it } from 'vitest';

import { quoteWord, splitWords } from './command';

describe('splitWords', () => {
  it('splits as a shell does', () => {
    const words = splitWords(`a 'b c' "d \\" e"f \${x y} \\\n g\\ h`);
    expect(words?.map(word => word.text)).toEqual([
      'a',
      'b c',
      'd " ef',
      '${x y}',
      'g h'
    ]);
  });

  it('refuses more than words', () => {
    for (const text of ['a | b', 'a && b', 'a > b', "a 'b", 'echo `x`']) {
      expect(splitWords(text)).toBeNull();
    }
  });

  it('reads back what quoteWord writes', () => {
    for (const text of [
      'plain/path.csv',
      'two words',
      "it's",
      '数据/一.csv',
      '#x',
      ''
    ]) {
      expect(splitWords(quoteWord(text))?.map(word => word.text)).toEqual([
        text
      ]);
    }
  });
});
