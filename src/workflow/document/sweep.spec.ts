import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';
import { textAfter, WINE } from '../../__tests__/samples';
import {
  axesOf,
  type IAxis,
  type ISweepOptions,
  itemsOf,
  readersOfSweep,
  sweepFault
} from './sweep';
import { setItems, setSweep } from './sweepEdits';

const PATH = 'workflows/wine/dvc.yaml';
const OPTIONS: ISweepOptions = {
  isMultiple: (_, port) => port === 'models',
  defaults: { depth: 4 }
};

function read(text: string, path = PATH): IWorkflowDocument {
  const result = parse(text, path);
  if (result.error) {
    throw new Error(`${JSON.stringify(result.error)}\n${text}`);
  }
  return result.document;
}

function swept(text: string, id: string, axes: IAxis[], path = PATH): string {
  const document = read(text, path);
  const after = textAfter(document, setSweep(id, axes, OPTIONS));
  read(after, path);
  return after;
}

const TREES: IAxis = { name: 'n_estimators', values: [100, 200] };
const WINE_SWEPT = `# The wine workflow
vars:
  - workflow: {name: Wine}   # title
  - forest: {optim: {lr: 0.1}}
stages:
  # first the data
  load:
    wdir: ../..
    cmd: jupyter mlws node load_csv --file data/wine.csv --table workflows/wine/out/load.table.parquet
    deps:
    - data/wine.csv
    outs:
    - workflows/wine/out/load.table.parquet
  forest:
    matrix: {n_estimators: [100, 200]}
    wdir: ../..
    cmd: jupyter mlws node train_classifier --data workflows/wine/out/load.table.parquet --model workflows/wine/out/forest.model.\${key}.skops --n_estimators \${item.n_estimators} \${forest}
    deps:
    - workflows/wine/out/load.table.parquet   # from load
    outs:
    - workflows/wine/out/forest.model.\${key}.skops
    meta: {at: [240, 120]}

  # then the verdict
  judge:
    matrix: {n_estimators: [100, 200]}
    wdir: ../..
    cmd: >-
      jupyter mlws node evaluate
      --model workflows/wine/out/forest.model.\${key}.skops
      --data workflows/wine/out/load.table.parquet
      --metrics workflows/wine/out/judge.metrics.\${key}.json
    deps:
      - workflows/wine/out/forest.model.\${key}.skops
      - workflows/wine/out/load.table.parquet
    metrics:
      - "workflows/wine/out/judge.metrics.\${key}.json":
          cache: false
# the end
`;

const COMPARED = `stages:
  train:
    cmd: jupyter mlws node train --data a.csv --model out/train.model.skops
    deps: [a.csv]
    outs: [out/train.model.skops]
  other:
    cmd: jupyter mlws node train --data a.csv --model out/other.model.skops
    deps: [a.csv]
    outs: [out/other.model.skops]
  compare:
    cmd: jupyter mlws node compare --models out/train.model.skops --models out/other.model.skops --metrics m.json
    deps:
      - out/train.model.skops  # the one
      - out/other.model.skops
    metrics: [m.json]
  keep:
    cmd: jupyter mlws node register_model --model out/train.model.skops --text t.txt
    deps: [out/train.model.skops]
    outs: [t.txt]
`;

const SCRIPTS = `vars:
  - train: {lr: 0.1}
stages:
  train:
    cmd: python train.py --depth 3 --lr \${train.lr} model.pkl > log.txt
    deps: [train.py]
    outs:
      - model.pkl
      - log.txt:
          cache: false
  use:
    cmd: python use.py
    deps: [use.py, model.pkl]
  apart:
    cmd: python apart.py
    outs: [apart.txt]
  loop:
    foreach: [1, 2]
    do:
      cmd: echo \${item}
  hand:
    matrix: {size: [1, 2], kind: [a, b]}
    cmd: python hand.py \${item.size} --kind \${item.kind} \${key}.txt
    outs: ['\${key}.txt']
`;

const LOOP = `stages:
  fit:
    foreach: [1, 2]  # sizes
    do:
      cmd: python fit.py \${item} > \${item}.txt
      outs: ['\${item}.txt']
  read:
    foreach: [1, 2]
    do:
      cmd: cat \${item}.txt > \${item}.out
      deps: ['\${item}.txt']
      outs: ['\${item}.out']
  all:
    cmd: cat 1.txt 2.txt
    deps: [1.txt, 2.txt]
  other:
    foreach: {a: 1, b: 2}
    do:
      cmd: echo \${item}
`;

describe('setItems', () => {
  it('changes the values of a foreach, and what varies with it or reads all', () => {
    const document = read(LOOP);
    expect(itemsOf(document, 'fit')).toEqual([1, 2]);
    const after = textAfter(document, setItems('fit', [1, 2, 5]));
    expect(after).toBe(
      LOOP.replaceAll('[1, 2]', '[1, 2, 5]')
        .replace('cat 1.txt 2.txt', 'cat 1.txt 2.txt 5.txt')
        .replace('[1.txt, 2.txt]', '[1.txt, 2.txt, 5.txt]')
    );
    const back = setItems('fit', [1, 2]);
    expect(textAfter(read(after), back)).toBe(LOOP);
  });

  it('leaves other ways of writing it to the text', () => {
    const document = read(LOOP);
    expect(itemsOf(document, 'other')).toBeNull();
    expect(itemsOf(document, 'all')).toBeNull();
    expect(() => setItems('other', [1])(document)).toThrow();
    expect(() => setItems('fit', [])(document)).toThrow();
  });
});

describe('setSweep', () => {
  it('makes variants of a stage and of what reads one file of it', () => {
    expect(swept(WINE, 'forest', [TREES])).toBe(WINE_SWEPT);
    const { stages } = read(WINE_SWEPT);
    const judge = stages.find(stage => stage.id === 'judge')!;
    expect(judge.variants).toEqual(['100', '200']);
    expect(judge.deps[0].paths).toEqual([
      'workflows/wine/out/forest.model.100.skops',
      'workflows/wine/out/forest.model.200.skops'
    ]);
  });

  it('becomes a plain stage again, the bytes those of before', () => {
    const after = swept(WINE_SWEPT, 'forest', []);
    // A setting that was taken out is put back at the end of its mapping.
    expect(
      after.replace(
        '{optim: {lr: 0.1}, n_estimators: 100}',
        '{n_estimators: 100, optim: {lr: 0.1}}'
      )
    ).toBe(
      WINE.replace(
        '- workflows/wine/out/judge.metrics.json:',
        '- "workflows/wine/out/judge.metrics.json":'
      )
    );
  });

  it('changes values in place, of all that vary together', () => {
    const more = { ...TREES, values: [50, 100, 0.00002] };
    const after = swept(WINE_SWEPT, 'forest', [more]);
    expect(after).toBe(
      WINE_SWEPT.split('[100, 200]').join('[50, 100, 0.00002]')
    );
    expect(read(after).stages[2].variants).toEqual(['50', '100', '2e-05']);
  });

  it('takes settings in and out, nested ones too', () => {
    const rate = { name: 'optim.lr', values: [0.1, 0.01] };
    const both = swept(WINE_SWEPT, 'forest', [TREES, rate]);
    expect(both).not.toContain(
      'vars:\n  - workflow: {name: Wine}   # title\n  - forest'
    );
    expect(both).toContain(
      'matrix: {n_estimators: [100, 200], optim_lr: [0.1, 0.01]}'
    );
    expect(both).toContain(
      '--n_estimators ${item.n_estimators} --optim.lr ${item.optim_lr}\n'
    );
    expect(axesOf(read(both), 'forest')).toEqual([TREES, rate]);
    const one = swept(both, 'forest', [rate]);
    expect(one).toContain('- forest: {n_estimators: 100}');
    expect(one.match(/matrix: \{optim_lr: \[0.1, 0.01\]\}/g)).toHaveLength(2);
    const other = swept(both, 'forest', [TREES]);
    expect(other).toBe(WINE_SWEPT);
  });

  it('gives the files of all to what takes several, and one to what acts', () => {
    const axis = { name: 'depth', values: [4, 8] };
    expect(
      readersOfSweep(read(COMPARED, 'dvc.yaml'), 'train', OPTIONS)
    ).toEqual(
      new Map([
        ['compare', 'all'],
        ['keep', 'first']
      ])
    );
    const after = swept(COMPARED, 'train', [axis], 'dvc.yaml');
    expect(after).toContain(
      '--models out/train.model.4.skops out/train.model.8.skops --models out/other.model.skops'
    );
    expect(after).toContain(
      '      - out/train.model.4.skops\n      - out/train.model.8.skops  # the one\n'
    );
    expect(after).toContain('--model out/train.model.4.skops --text');
    expect(after).toContain('outs: ["out/train.model.${key}.skops"]');
    expect(readersOfSweep(read(after, 'dvc.yaml'), 'train', OPTIONS)).toEqual(
      new Map([
        ['compare', 'all'],
        ['keep', 'first']
      ])
    );

    const later = swept(
      after,
      'train',
      [{ ...axis, values: [8, 16, 32] }],
      'dvc.yaml'
    );
    expect(later).toContain(
      '--models out/train.model.8.skops out/train.model.16.skops out/train.model.32.skops --models out/other.model.skops'
    );
    expect(later).toContain('--model out/train.model.8.skops --text');
    const plain = swept(later, 'train', [], 'dvc.yaml');
    expect(plain).toContain('- train: {depth: 8}\n');
    const tiny = { ...axis, values: [0.00001, 4] };
    const small = swept(after, 'train', [tiny], 'dvc.yaml');
    expect(small).toContain('--models out/train.model.1e-05.skops out/');
    expect(swept(small, 'train', [axis], 'dvc.yaml')).toBe(after);
    const same = swept(after, 'train', [], 'dvc.yaml');
    // 4 is the default: nothing is written of it.
    expect(same.replace(/"(out\/train.model.skops)"/g, '$1')).toBe(COMPARED);
  });

  it('varies the options and variables of a script', () => {
    const text = SCRIPTS.replace(
      '    cmd: python use.py\n',
      '    cmd: python use.py model.pkl\n'
    );
    const axes = [
      { name: 'train.lr', values: [0.1, 1] },
      { name: 'depth', values: [3, 5] },
      { name: 'extra', values: ['a'] }
    ];
    const after = swept(text, 'train', axes, 'dvc.yaml');
    expect(after).toContain(
      'cmd: python train.py --depth ${item.depth} --lr ${item.train_lr} model.${key}.pkl > log.${key}.txt --extra ${item.extra}'
    );
    expect(after).toContain('      - "log.${key}.txt":\n');
    expect(after).toContain('cmd: python use.py model.${key}.pkl\n');
    const plain = swept(after, 'train', [], 'dvc.yaml');
    expect(plain).toContain(
      'python train.py --depth 3 --lr 0.1 model.pkl > log.txt --extra a'
    );
    expect(plain).not.toContain('matrix: {train_lr');
  });

  it("changes a person's own matrix", () => {
    const document = read(SCRIPTS, 'dvc.yaml');
    expect(axesOf(document, 'hand')).toEqual([
      { name: 'size', values: [1, 2] },
      { name: 'kind', values: ['a', 'b'] }
    ]);
    const axes = [
      { name: 'size', values: [1, 2] },
      { name: 'kind', values: ['a', 'c'] }
    ];
    expect(swept(SCRIPTS, 'hand', axes, 'dvc.yaml')).toBe(
      SCRIPTS.replace('[a, b]', '[a, c]')
    );
    expect(swept(SCRIPTS, 'hand', [], 'dvc.yaml')).toContain(
      "  hand:\n    cmd: python hand.py 1 --kind a 1-a.txt\n    outs: ['1-a.txt']\n"
    );
    expect(axesOf(document, 'loop')).toBe(null);
  });

  it('says why a stage can have no variants', () => {
    const document = read(SCRIPTS, 'dvc.yaml');
    const fault = (id: string): unknown => sweepFault(document, id, OPTIONS);
    expect(fault('train')).toEqual({
      kind: 'reader',
      node: 'use',
      path: 'model.pkl'
    });
    expect(fault('apart')).toEqual({ kind: 'output', path: 'apart.txt' });
    expect(fault('loop')).toEqual({ kind: 'text' });
  });

  it('ends as it began, whatever is swept (property)', () => {
    const value = fc.oneof(
      fc.integer({ min: -1000, max: 1000 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.stringMatching(/^[a-z][a-z0-9_-]{0,6}$/)
    );
    const axis = fc.record({
      name: fc.constantFrom('a', 'b.c', 'n_estimators', 'größe'),
      values: fc.uniqueArray(value, { minLength: 1, maxLength: 4 })
    });
    const grid = fc.uniqueArray(axis, {
      minLength: 1,
      maxLength: 3,
      selector: one => one.name
    });
    fc.assert(
      fc.property(grid, grid, (axes, others) => {
        const once = swept(WINE, 'forest', axes);
        expect(axesOf(read(once), 'forest')).toEqual(axes);
        const direct = read(swept(WINE, 'forest', others));
        const changed = read(swept(once, 'forest', others));
        expect(axesOf(changed, 'forest')).toEqual(others);
        expect(changed.stages.map(stage => stage.variants)).toEqual(
          direct.stages.map(stage => stage.variants)
        );
        const plain = read(swept(once, 'forest', []));
        expect(plain.stages.map(stage => [stage.deps, stage.outs])).toEqual(
          read(WINE).stages.map(stage => [stage.deps, stage.outs])
        );
      }),
      { numRuns: 60 }
    );
  });
});
