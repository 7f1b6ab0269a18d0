import { expect, it } from 'vitest';

import { fake } from '../__tests__/server';
import type { IProjectInfo } from '../api/models';
import { insideProject } from './actions';
import { nameOf } from './importForm';
import type { IDataset, IDatasetPlace } from '../api/models';
import { marksOf } from './labels';

const dataset = { md5: 'a', state: 'unchanged' } as IDataset;
const place = { cached: true, remote: true } as IDatasetPlace;

it('marks nothing where all is well, nor what is not known', () => {
  expect(marksOf(dataset, place)).toEqual([]);
  expect(marksOf(dataset, undefined)).toEqual([]);
  expect(marksOf(dataset, { ...place, remote: null })).toEqual([]);
});

it('marks what is to be done, the most pressing first', () => {
  const gone = { ...dataset, state: 'deleted' as const };
  expect(marksOf(gone, { ...place, cached: false })).toEqual([
    'unpulled',
    'missing'
  ]);
  const changed = { ...dataset, state: 'modified' as const };
  expect(marksOf(changed, { ...place, remote: false })).toEqual([
    'changed',
    'unpushed'
  ]);
  const lost = { ...place, cached: false, remote: false };
  expect(marksOf(dataset, lost)).toEqual(['lost']);
  const unpulled = { ...dataset, state: 'not_pulled' as const };
  expect(marksOf(unpulled, undefined)).toEqual(['unpulled']);
  const unknown = { ...place, cached: false, remote: null };
  expect(marksOf(unpulled, unknown)).toEqual(['lost']);
  expect(marksOf(unpulled, unknown, true)).toEqual(['unpulled']);
});

it('names a download by the end of its address', () => {
  expect(nameOf('https://host/far/wine.csv?x=1')).toBe('wine.csv');
  expect(nameOf('https://host/folder/')).toBe('folder');
  expect(nameOf('https://host')).toBe('');
  expect(nameOf('nonsense')).toBe('');
});

it('knows paths by the project that they are in', () => {
  const project = fake<IProjectInfo>({ path: 'work/wine' });
  expect(insideProject(project, 'work/wine/a.csv')).toBe('a.csv');
  expect(insideProject(project, 'work/wine')).toBe('');
  expect(insideProject(project, 'work/wines/a.csv')).toBeNull();
  expect(insideProject(fake({ path: '.' }), 'a.csv')).toBe('a.csv');
});
