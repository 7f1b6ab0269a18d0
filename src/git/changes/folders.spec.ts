import { expect, it } from 'vitest';

import type { IChange } from '../../api/models';
import { byFolder, isFolder } from './folders';

function change(path: string, state: IChange['state']): IChange {
  return { path, state } as IChange;
}

it('shows full folders of new files in one row', () => {
  const images = Array.from({ length: 20 }, (_, number) =>
    change(`raw/images/${number}.png`, 'untracked')
  );
  const entries = byFolder([
    change('a.py', 'modified'),
    images[0],
    change('raw/images/old.png', 'modified'),
    ...images.slice(1),
    change('raw/labels.csv', 'untracked')
  ]);
  expect(
    entries.map(one =>
      isFolder(one) ? [one.folder, one.changes.length] : one.path
    )
  ).toEqual([
    'a.py',
    ['raw/images/', 20],
    'raw/images/old.png',
    'raw/labels.csv'
  ]);
});

it('names each file of a folder with few', () => {
  const few = ['src/a.py', 'src/b.py', 'c.py'].map(path =>
    change(path, 'untracked')
  );
  expect(byFolder(few)).toEqual(few);
});
