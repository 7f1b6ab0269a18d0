import { describe, expect, it } from 'vitest';

import {
  columnInExpression,
  readPair,
  ruleNames,
  writePair
} from './expressions';

describe('columns in expressions', () => {
  it('are in backticks where they are no identifiers', () => {
    expect(columnInExpression('price')).toBe('price');
    expect(columnInExpression('价格')).toBe('价格');
    expect(columnInExpression('unit price')).toBe('`unit price`');
    expect(columnInExpression('2026')).toBe('`2026`');
    expect(columnInExpression('class')).toBe('`class`');
  });
});

describe('pairs', () => {
  it('have a column and a value', () => {
    expect(readPair('age=0..120')).toEqual({ column: 'age', value: '0..120' });
    expect(readPair('a = b=c')).toEqual({ column: 'a', value: 'b=c' });
    expect(readPair('age')).toEqual({ column: 'age', value: '' });
    expect(writePair({ column: 'age', value: 'years' })).toBe('age=years');
  });
});

describe('rules', () => {
  it('are named after their setting and item', () => {
    const settings = ['ranges', 'unique', 'conditions', 'minimum_rows'];
    const values = {
      ranges: ['age=0..120'],
      unique: ['id', null],
      conditions: ['a == b'],
      minimum_rows: 1
    };
    expect(ruleNames(settings, values)).toEqual([
      'ranges: age',
      'unique: id',
      'conditions: a == b',
      'minimum_rows'
    ]);
    expect(ruleNames(['unique'], {})).toEqual([]);
  });
});
