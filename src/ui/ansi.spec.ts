import { describe, expect, it } from 'vitest';

import { parseAnsi } from './ansi';

describe('parseAnsi', () => {
  it('splits a log by its colours', () => {
    expect(
      parseAnsi('a \u001b[1;31mb\u001b[39m c\u001b[0m d\u001b[92me')
    ).toEqual([
      { text: 'a ', styles: [] },
      { text: 'b', styles: ['bold', 'red'] },
      { text: ' c', styles: ['bold'] },
      { text: ' d', styles: [] },
      { text: 'e', styles: ['bright-green'] }
    ]);
  });

  it('leaves out other escapes, and what a progress bar overwrote', () => {
    const text = parseAnsi(
      '10%\r 50%\r100%\nx\u001b[2K\u001b]8;;http://a\u0007y\r\nz'
    )
      .map(span => span.text)
      .join('');
    expect(text).toBe('100%\nxy\nz');
  });
});
