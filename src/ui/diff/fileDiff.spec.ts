import { expect, it } from 'vitest';

import type { IFileDiff } from '../../api/models';
import { hiddenText } from './fileDiff';

it.each<[Partial<IFileDiff>, string]>([
  [
    { hidden: 'too_large', old_size: null, new_size: 152_000_000 },
    'Too large to show here: – → 152 MB'
  ],
  [
    {
      hidden: 'folder',
      old_size: 3_000_000,
      new_size: 5_000_000,
      old_files: 3,
      new_files: 503
    },
    'Folder: 3 files, 3 MB → 503 files, 5 MB'
  ],
  [
    { hidden: 'binary', old_size: 2000, new_size: null },
    'Binary file: 2 kB → –'
  ],
  [
    { hidden: 'not_stored' },
    'The content is not stored here. Pull the data to compare it.'
  ]
])('says why there is no text, and what is known', (known, text) => {
  const nothing = {
    old_size: null,
    new_size: null,
    old_files: null,
    new_files: null
  };
  const diff = { ...nothing, ...known } as IFileDiff;
  expect(hiddenText(diff)).toBe(text);
});
