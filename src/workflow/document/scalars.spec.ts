import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';

import { print } from './scalars';
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
