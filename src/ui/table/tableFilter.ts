import type { ITableFilter } from '../../api/models';

const OPERATORS: [RegExp, ITableFilter['operator']][] = [
  [/^>=|^≥/, 'greater_equal'],
  [/^<=|^≤/, 'less_equal'],
  [/^!=|^≠/, 'not_equal'],
  [/^==?/, 'equal'],
  [/^>/, 'greater'],
  [/^</, 'less']
];

/** Parses the filter of a column: "> 13", "= red", "empty", else a substring. */
export function parseFilter(column: string, text: string): ITableFilter | null {
  const typed = text.trim();
  if (typed === '') {
    return null;
  }
  if (typed.toLowerCase() === 'empty') {
    return { column, operator: 'empty', value: '' };
  }
  for (const [pattern, operator] of OPERATORS) {
    if (pattern.test(typed)) {
      const value = typed.replace(pattern, '').trim();
      return value === '' ? null : { column, operator, value };
    }
  }
  return { column, operator: 'contains', value: typed };
}
