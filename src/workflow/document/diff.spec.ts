import fc from 'fast-check';
import { expect, it } from 'vitest';

import { mergeTexts } from './diff';
import { WINE } from '../../__tests__/samples';

it('keeps what either side changed', () => {
  const ours = WINE.replace('n_estimators: 100', 'n_estimators: 50');
  const theirs = WINE.replace('# then the verdict', '# at last');
  expect(mergeTexts(ours, WINE, theirs)).toBe(
    ours.replace('# then the verdict', '# at last')
  );
});

it('keeps line ends, and a missing one at the end', () => {
  const base = 'a\r\nb\r\nc\r\nd\r\ne';
  expect(mergeTexts(base.replace('a', 'x'), base, base.replace('e', 'z'))).toBe(
    'x\r\nb\r\nc\r\nd\r\nz'
  );
});

it('does not choose between two changes of one line', () => {
  expect(mergeTexts('a\nx\nc\n', 'a\nb\nc\n', 'a\ny\nc\n')).toBeNull();
  expect(mergeTexts('a\nx\nc\n', 'a\nb\nc\n', 'a\nx\nc\n')).toBe('a\nx\nc\n');
});

it('takes the changed side where the other is as it was', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 8 })
    .map(lines => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (base, changed) => {
      expect(mergeTexts(changed, base, base)).toBe(changed);
      expect(mergeTexts(base, base, changed)).toBe(changed);
    })
  );
});
