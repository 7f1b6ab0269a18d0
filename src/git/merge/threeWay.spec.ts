import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { Side } from '../../api/models';
import { beginning, isConflict, textBy } from './result';
import { compareThree, sidesOf } from './threeWay';

const SIDES: readonly Side[] = ['base', 'ours', 'theirs'];

function merge(base: string | null, ours: string, theirs: string) {
  const sides = sidesOf({ base, ours, theirs });
  const pieces = compareThree(sides, base !== null);
  return { sides, pieces, ...beginning(sides, pieces) };
}

it('takes what one side changed, and leaves what both did open', () => {
  const { text, regions } = merge(
    'a\nb\nc\nd\ne\nf\ng\n',
    'A\nb\nc\nours\ne\nf\ng\n',
    'a\nb\nc\ntheirs\ne\nf\nG\n'
  );
  expect(text).toBe('A\nb\nc\nd\ne\nf\nG\n');
  expect(regions.map(one => [one.piece.kind, one.choice])).toEqual([
    ['ours', 'ours'],
    ['conflict', null],
    ['theirs', 'theirs']
  ]);
  const [, { from, to }] = regions;
  expect(text.slice(from, to)).toBe('d\n');
});

it('finds changes in the same way no conflict', () => {
  const { text, pieces } = merge('a\n', 'b\n', 'b\n');
  expect(text).toBe('b\n');
  expect(pieces.map(piece => piece.kind)).toEqual(['agreed']);
});

it('takes changes beside each other as one place, as git does', () => {
  const { pieces } = merge('a\nb\n', 'A\nb\n', 'a\nB\n');
  expect(pieces.map(piece => piece.kind)).toEqual(['conflict']);
});

it('asks about everything that differs where there was no file before', () => {
  const { text, pieces } = merge(null, 'one\nsame\n', 'same\ntwo\n');
  expect(text).toBe('same\n');
  expect(pieces.map(piece => piece.kind)).toEqual(['conflict', 'conflict']);
});

it('keeps the last line apart from what comes behind it', () => {
  const { sides, pieces } = merge('a', 'ours', 'theirs');
  expect(textBy(sides, pieces[0], 'both')).toBe('ours\ntheirs');
});

it('knows lines that end as on Windows', () => {
  expect(merge('a\r\nb\r\n', 'a\nb\n', 'a\r\nc\r\n').text).toBe('a\nc\n');
});

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 })
  .map(lines => lines.map(line => `${line}\n`).join(''));

it('divides every side without losing a line', () => {
  fc.assert(
    fc.property(fc.option(text), text, text, (base, ours, theirs) => {
      const {
        sides,
        pieces,
        text: merged,
        regions
      } = merge(base, ours, theirs);
      for (const side of SIDES) {
        let at = 0;
        let whole = '';
        let common = 0;
        for (const piece of pieces) {
          const same = sides[side].slice(at, piece[side].start);
          expect(same).toEqual(sides.base.slice(common, piece.base.start));
          whole += same.join('') + textBy(sides, piece, side);
          at = piece[side].end;
          common = piece.base.end;
        }
        const rest = sides[side].slice(at);
        expect(rest).toEqual(sides.base.slice(common));
        expect(whole + rest.join('')).toBe(sides[side].join(''));
      }
      for (const region of regions.filter(isConflict)) {
        expect(merged.slice(region.from, region.to)).toBe(
          textBy(sides, region.piece, 'base')
        );
      }
    })
  );
});

it('agrees with a side where the other changed nothing', () => {
  fc.assert(
    fc.property(text, text, (base, ours) => {
      expect(merge(base, ours, base).text).toBe(ours);
      expect(merge(base, base, ours).text).toBe(ours);
      expect(merge(base, ours, ours).text).toBe(ours);
    })
  );
});
