import { describe, expect, it } from 'vitest';

import { parse } from './document';
import { paramsOf, readParams, setParam, typedValue, valuesAt } from './params';
import { applyEdits } from './textEdits';

const PARAMS = `# How it is trained
train:
    lr: 0.1   # the learning rate
    layers: [64, 32]
    name: 'first'
    nested: {deep: {er: yes}}
seed: 42
flag: true
`;

const PIPELINE = `stages:
  train:
    wdir: src
    cmd: python train.py
    params:
    - train
    - seed
    - ../other.yaml:
      - x.y
    - all.yaml:
    - plain.json: [a]
  use:
    cmd: python use.py \${train.lr} \${known} \\\${escaped}
vars:
- known: 1
`;

describe('paramsOf', () => {
  it('names the files that a stage reads, from the root', () => {
    const { document } = parse(PIPELINE, 'exp/dvc.yaml');
    expect(paramsOf(document!, document!.stages[0])).toEqual([
      { path: 'exp/src/params.yaml', keys: ['train', 'seed'] },
      { path: 'exp/other.yaml', keys: ['x.y'] },
      { path: 'exp/src/all.yaml', keys: null }
    ]);
  });

  it('knows the variables of templates that stand elsewhere', () => {
    const { document } = parse(PIPELINE, 'exp/dvc.yaml');
    expect(paramsOf(document!, document!.stages[1])).toEqual([
      { path: 'exp/params.yaml', keys: ['train.lr'] }
    ]);
  });
});

describe('values', () => {
  const file = readParams(PARAMS)!;

  it('are found by their dotted names', () => {
    expect(valuesAt(file.values, ['train', 'seed', 'gone'])).toEqual([
      ['train.lr', 0.1],
      ['train.layers', [64, 32]],
      ['train.name', 'first'],
      ['train.nested.deep.er', 'yes'],
      ['seed', 42]
    ]);
    expect(valuesAt(file.values, null)).toHaveLength(6);
  });

  it.each([
    ['train.lr', 0.01, 'lr: 0.1 ', 'lr: 0.01 '],
    ['train.layers', [1, 2], '[64, 32]', '[1, 2]'],
    ['train.name', "it's", "'first'", "'it''s'"],
    ['train.nested.deep.er', 'no', 'er: yes', 'er: "no"'],
    ['seed', 7, 'seed: 42', 'seed: 7'],
    ['flag', false, 'flag: true', 'flag: false']
  ] as const)('%s changes alone', (name, value, old, now) => {
    const after = applyEdits(PARAMS, setParam(file, name, value as never));
    expect(after).toBe(PARAMS.replace(old, now));
  });

  it('are read as the kind that stood there', () => {
    expect(typedValue('1e-3', 0.1)).toBe(0.001);
    expect(typedValue('abc', 0.1)).toBeUndefined();
    expect(typedValue('12', 'text')).toBe('12');
    expect(typedValue('[1, 2]', [3])).toEqual([1, 2]);
    expect(typedValue('x', [3])).toBeUndefined();
  });
});

it('takes no other file for one of parameters', () => {
  expect(readParams('- a\n')).toBeNull();
  expect(readParams('a: [')).toBeNull();
  expect(readParams('')!.values).toEqual({});
});
