import { describe, expect, it } from 'vitest';

import type { IChangedFile, IExperimentRun } from '../api/models';
import { areFew, codeSides, inReadingOrder } from './code';

const run = (
  commit: string | null,
  dirty: boolean | null = null
): IExperimentRun => ({ commit, dirty }) as IExperimentRun;

const file = (path: string, lines: number | null = 1): IChangedFile => ({
  path,
  state: 'modified',
  kind: 'code',
  old_path: null,
  additions: lines,
  deletions: lines
});

describe('codeSides', () => {
  it('compares with the code of the compared run', () => {
    expect(codeSides(run('b', true), run('a'), run('p'))).toEqual({
      from: 'a',
      to: 'b',
      of: 'compared'
    });
  });

  it('compares with nothing else if the compared run has no code', () => {
    expect(codeSides(run('b', true), run(null), run('p'))).toBeNull();
  });

  it('compares with the run that it is in if that has other code', () => {
    expect(codeSides(run('b'), null, run('p'))?.of).toBe('parent');
    expect(codeSides(run('b'), null, run('b'))).toBeNull();
  });

  it('shows the uncommitted changes of a run without another', () => {
    expect(codeSides(run('b', true), null, undefined)).toEqual({
      from: 'b^',
      to: 'b',
      of: 'before'
    });
  });

  it('compares nothing without code', () => {
    expect(codeSides(run(null), run('a'), undefined)).toBeNull();
  });
});

it('lists what a workflow wrote after its code', () => {
  const files = ['dvc.lock', 'out/scores.json', 'train.py', 'w/dvc.lock'];
  expect(
    inReadingOrder(
      files.map(path => file(path)),
      new Set(['out/scores.json'])
    ).map(({ path }) => path)
  ).toEqual(['train.py', 'dvc.lock', 'out/scores.json', 'w/dvc.lock']);
});

it('counts the lines of all files, and none of binary files', () => {
  expect(
    areFew([file('a.py', 50), file('b.py', 50), file('c.png', null)])
  ).toBe(true);
  expect(areFew([file('a.py', 50), file('b.py', 51)])).toBe(false);
});
