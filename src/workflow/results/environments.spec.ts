import { expect, it } from 'vitest';

import { environmentTexts } from './environments';

it('names the first packages of each environment', () => {
  const packages = [
    { name: 'interpreter', before: 'CPython 3.11.7', after: 'CPython 3.12.1' },
    { name: 'pandas', before: '3.0.1', after: '3.1.0' },
    { name: 'new', before: null, after: '1' },
    { name: 'old', before: '2', after: null },
    ...['a', 'b', 'c'].map(name => ({ name, before: '1', after: '2' }))
  ];
  expect(environmentTexts([{ nodes: ['train', 'test'], packages }])).toEqual([
    'Environment of train, test: Interpreter CPython 3.11.7 → CPython 3.12.1, ' +
      'pandas 3.0.1 → 3.1.0, +new 1, −old 2, a 1 → 2, 2 more packages'
  ]);
  expect(environmentTexts([])).toEqual([]);
});
