import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';
import { HAND_WRITTEN, WINE } from '../../__tests__/samples';

function read(text: string, path?: string): IWorkflowDocument {
  const result = parse(text, path);
  if (result.error) {
    throw new Error(JSON.stringify(result.error));
  }
  return result.document;
}

describe('parse', () => {
  it('reads the stages that the canvas writes', () => {
    const document = read(WINE, 'workflows/wine/dvc.yaml');
    expect(document.title).toBe('Wine');
    expect(
      document.stages.map(stage => [stage.id, stage.kind, stage.component])
    ).toEqual([
      ['load', 'component', 'load_csv'],
      ['forest', 'component', 'train_classifier'],
      ['judge', 'component', 'evaluate']
    ]);
    const forest = document.stages[1];
    expect(forest.folder).toBe('');
    expect(forest.at).toEqual([240, 120]);
    expect(forest.deps[0].paths).toEqual([
      'workflows/wine/out/load.table.parquet'
    ]);
    expect(forest.command?.unpacks.map(one => one.name)).toEqual(['forest']);
    expect(document.stages[2].outs).toMatchObject([
      { raw: 'workflows/wine/out/judge.metrics.json', list: 'metrics' }
    ]);
    expect(document.vars.forest).toEqual({
      n_estimators: 100,
      optim: { lr: 0.1 }
    });
  });

  it('reads what people write by hand: foreach, matrix, lists of commands, templates', () => {
    const document = read(HAND_WRITTEN, 'sub/dvc.yaml');
    const [prepare, train, compare] = document.stages;
    expect(document.varFiles).toEqual(['params.yaml']);
    expect(prepare.kind).toBe('script');
    expect(prepare.outs[0].paths).toEqual(['sub/data/clean']);
    expect(train.kind).toBe('sweep');
    expect(train.variants).toEqual(['svm', 'forest']);
    expect(train.outs[0].paths).toEqual([
      'sub/models/svm.pkl',
      'sub/models/forest.pkl'
    ]);
    expect(train.outs[1].list).toBe('plots');
    expect(compare.variants).toEqual(['f1-1', 'f1-2', 'auc-1', 'auc-2']);
    expect(compare.commands).toHaveLength(2);
  });

  it('reads few more variants than the server allows', () => {
    const axes = [...'abcdefghi'].map(key => [key, [...Array(99).keys()]]);
    const matrix = Object.fromEntries(axes) as Record<string, number[]>;
    const stages = { a: { matrix, cmd: 'x' } };
    const { variants } = read(JSON.stringify({ stages })).stages[0];
    expect(variants).toHaveLength(10_098);
  });

  it('tells what a command runs, behind its folder and its variables', () => {
    const kind = (cmd: string): string =>
      read(JSON.stringify({ stages: { a: { cmd } } })).stages[0].kind;
    expect(kind('cd src && python a.py')).toBe('script');
    expect(kind("env A=b 'B=c d' python3 -u a.py --x 1")).toBe('script');
    expect(kind("cd 'a b' && env A= Rscript 'a b.R'")).toBe('script');
    expect(kind('python -m module')).toBe('shell');
    expect(kind('cp a b && python c.py')).toBe('shell');
    expect(
      kind('env A=b jupyter mlws notebook a.ipynb --out b.ipynb && touch c')
    ).toBe('notebook');
  });

  it('tells the line of what it cannot read', () => {
    expect(
      parse('stages:\n  a: {cmd: x\n  b: 1\n').error?.line
    ).toBeGreaterThanOrEqual(2);
    expect(parse('stages:\n  a:\n    cmd: x\n  b: 4\n').error?.line).toBe(4);
    expect(parse('- a\n').error?.line).toBe(1);
    expect(parse('stages:\n  a: {cmd: x}\n  a: {cmd: y}\n').error?.line).toBe(
      3
    );
  });

  it('reads a file without stages as an empty workflow', () => {
    for (const text of [
      '',
      '\n',
      '# only a comment\n',
      'stages:\n',
      'stages: {}\n',
      'vars: []\n'
    ]) {
      expect(read(text).stages).toEqual([]);
    }
  });

  it('follows aliases, and marks such a stage as not to be edited', () => {
    const document = read('stages:\n  a: &a {cmd: x, outs: [o]}\n  b: *a\n');
    expect(document.stages[1].outs[0].raw).toBe('o');
    expect(document.stages.map(stage => stage.isEditable)).toEqual([
      true,
      false
    ]);
  });
});
