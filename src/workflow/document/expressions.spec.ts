import { describe, expect, it } from 'vitest';

import {
  columnInExpression,
  readChoice,
  readPair,
  ruleNames,
  withChoice,
  withRoleChoice,
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

describe('choices for columns', () => {
  it('have names that may hold equal signs', () => {
    expect(readChoice('a=b=target')).toEqual({
      column: 'a=b',
      value: 'target'
    });
  });

  it('change in their place, and leave the others as they are', () => {
    const items = ['id=ignored', 'faulty', 'a=b=text', 'id=text'];
    expect(withChoice(items, 'id', 'number')).toEqual([
      'id=number',
      'faulty',
      'a=b=text'
    ]);
    expect(withChoice(items, 'a=b', null)).toEqual([
      'id=ignored',
      'faulty',
      'id=text'
    ]);
    expect(withChoice(items, 'age', 'date')).toEqual([...items, 'age=date']);
  });

  it('give one column the role of the target, and a feature none', () => {
    const roles = ['price=target', 'id=ignored'];
    expect(withRoleChoice(roles, 'rent', 'target')).toEqual([
      'id=ignored',
      'rent=target'
    ]);
    expect(withRoleChoice(roles, 'name', 'ignored')).toEqual([
      ...roles,
      'name=ignored'
    ]);
    expect(withRoleChoice(roles, 'price', 'feature')).toEqual(['id=ignored']);
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
