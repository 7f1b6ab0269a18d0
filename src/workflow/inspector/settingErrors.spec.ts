import { expect, it } from 'vitest';

import { settingErrorText } from './settingErrors';

it('says which values a setting may have', () => {
  const schema = {
    properties: {
      share: { exclusiveMinimum: 0, maximum: 1 },
      test: { exclusiveMinimum: 0, exclusiveMaximum: 1 },
      depth: { minimum: 1 },
      sizes: { items: { minimum: 4, maximum: 1024 } }
    }
  };
  const words = (path: string): string => {
    const schemaPath = `#/properties/${path}`;
    const name = path.split('/').pop();
    return settingErrorText({ name, schemaPath }, schema);
  };
  expect(
    ['share/maximum', 'test/exclusiveMinimum', 'depth/minimum'].map(words)
  ).toEqual([
    'Must be greater than 0 and at most 1',
    'Must be greater than 0 and less than 1',
    'Must be at least 1'
  ]);
  expect(words('sizes/items/maximum')).toBe('Must be between 4 and 1024');
});
