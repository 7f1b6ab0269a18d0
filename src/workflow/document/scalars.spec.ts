import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';

import { isPlain, print } from './scalars';
import type { Value } from './values';

const VERSIONS = ['1.1', '1.2'] as const;

function readBack(text: string): unknown[] {
  return VERSIONS.flatMap(version =>
    [`k: ${text}\n`, `k: {v: ${text}}\n`].map((whole, index) => {
      const yaml = parseDocument(whole, { version });
      expect(yaml.errors).toEqual([]);
      const value = yaml.toJS().k;
      return index === 0 ? value : value.v;
    })
  );
}

describe('print', () => {
  it('quotes what one version of YAML takes for something else', () => {
    const tricky = [
      'yes',
      'No',
      'on',
      'null',
      '~',
      'true',
      '1e3',
      '1.5',
      '012',
      '0o14',
      '0x1F',
      '1_000',
      '12:30',
      '2001-01-01',
      '.inf',
      '',
      ' a',
      'a ',
      'a: b',
      'a #b',
      '#a',
      '- a',
      '*a',
      '&a',
      '!a',
      '[a',
      '{a',
      "it's",
      '"',
      '%a',
      '@a',
      '`a',
      'a\nb',
      'a\tb',
      '=',
      '<<',
      'a,b',
      '\u0085',
      '\u2028',
      '\ufeffx'
    ];
    for (const text of tricky) {
      expect(readBack(print(text))).toEqual([text, text, text, text]);
    }
  });

  it('leaves ordinary words without quotes', () => {
    for (const text of [
      'a',
      'random_forest',
      'data/wine.csv',
      '随机森林',
      'a-b.c',
      '../..'
    ]) {
      expect(print(text)).toBe(text);
    }
    expect(isPlain('jupyter mlws node a --b c/d.x ${e}', false)).toBe(true);
  });

  it('reads back as the same value, in both versions', () => {
    const text = fc.string({ unit: 'grapheme' });
    const number = fc.oneof(fc.integer(), fc.double({ noNaN: true }));
    const value = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 3 },
        text,
        number,
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(
          fc.string({ minLength: 1 }).filter(key => key !== '__proto__'),
          tie('value')
        )
      )
    })).value;
    fc.assert(
      fc.property(value, one => {
        for (const back of readBack(print(one as Value))) {
          expect(back).toEqual(one);
        }
      })
    );
  });
});
