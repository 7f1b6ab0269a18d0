import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AnsiLog, parseAnsi, type IAnsiSpan } from './ansi';

function parse(...chunks: string[]): readonly IAnsiSpan[] {
  const log = new AnsiLog();
  chunks.forEach(chunk => log.append(chunk));
  return log.spans;
}

function textOf(spans: readonly IAnsiSpan[]): string {
  return spans.map(span => span.text).join('');
}

describe('AnsiLog', () => {
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
    const spans = parse(
      '10%\r 50%\r100%\nx\u001b[2K\u001b]8;;http://a\u0007y\r\nz'
    );
    expect(textOf(spans)).toBe('100%\nxy\nz');
  });

  it('keeps a colour over lines, and one stretch for lines of one style', () => {
    expect(parse('\u001b[31ma\nb\nc\u001b[0m\n')).toEqual([
      { text: 'a\nb\nc', styles: ['red'] },
      { text: '\n', styles: [] }
    ]);
  });

  it('is the same however a log comes in pieces (property)', () => {
    const piece = fc.constantFrom('a', '\n', '\r', '\r\n', '\u001b[31m', ' b');
    fc.assert(
      fc.property(fc.array(piece), fc.nat(), (pieces, cut) => {
        const text = pieces.join('');
        const at = cut % (text.length + 1);
        const styled = (spans: readonly IAnsiSpan[]): string[] =>
          spans.flatMap(({ text: part, styles }) =>
            [...part].map(letter => `${letter}${styles.join()}`)
          );
        expect(styled(parse(text.slice(0, at), text.slice(at)))).toEqual(
          styled(parse(text))
        );
      })
    );
  });

  it('keeps the end of a long log', () => {
    const log = new AnsiLog(30_000);
    for (let line = 0; line < 10_000; line += 1) {
      log.append(`line ${line}\n`);
    }
    const text = textOf(log.spans);
    expect(text.length).toBeLessThanOrEqual(30_000);
    expect(text.length).toBeGreaterThan(15_000);
    expect(text.endsWith('line 9998\nline 9999\n')).toBe(true);
  });
});
