import { describe, expect, it } from 'vitest';

import { parse } from './document';
import { canMoveOutput, moveOutput, nameFault, renameNode } from './rename';
import { HAND_WRITTEN, textAfter, WINE } from '../../__tests__/samples';

const PATH = 'workflows/wine/dvc.yaml';

function rename(text: string, id: string, name: string, path = PATH): string {
  const { document } = parse(text, path);
  return textAfter(document!, renameNode(id, name));
}

describe('renameNode', () => {
  it('changes the stage, its own settings, its files and nothing else', () => {
    const after = rename(WINE, 'forest', 'trees');
    expect(after).toBe(
      WINE.replace('  - forest: {', '  - trees: {')
        .replace('\n  forest:\n', '\n  trees:\n')
        .replace('${forest}', '${trees}')
        .replace(/out\/forest\./g, 'out/trees.')
    );
    expect(after.match(/out\/trees\./g)).toHaveLength(4);
    expect(rename(after, 'trees', 'forest')).toBe(WINE);
  });

  it('leaves a variable that others read', () => {
    const shared = WINE.replace(
      'out/load.table.parquet\n    deps:\n    - data',
      'out/load.table.parquet ${forest.optim}\n    deps:\n    - data'
    );
    expect(rename(shared, 'forest', 'trees')).toBe(
      shared
        .replace('\n  forest:\n', '\n  trees:\n')
        .replace(/out\/forest\./g, 'out/trees.')
    );
  });

  it('keeps quotes, and renames what generates variants', () => {
    expect(rename('stages: {"a": {cmd: x}}\n', 'a', 'b-2', 'dvc.yaml')).toBe(
      'stages: {"b-2": {cmd: x}}\n'
    );
    expect(rename(HAND_WRITTEN, 'train', 'fit', 'dvc.yaml')).toBe(
      HAND_WRITTEN.replace('    train:\n', '    fit:\n')
    );
  });

  it('renames the node in frames', () => {
    const framed = WINE.replace(
      '{name: Wine}',
      '{name: Wine, frames: [{title: A, nodes: [load, forest]}]}'
    );
    expect(rename(framed, 'load', 'read')).toContain('nodes: [read, forest]');
  });

  it('renames the files of a sweep for it and its readers', () => {
    const sweep =
      'stages:\n  fit:\n    foreach: [1, 2]\n    do:\n      cmd: python fit.py ${item} out/fit.${item}.json\n      outs: [ "out/fit.${item}.json" ]\n  best:\n    cmd: python best.py out/fit.1.json out/fit.2.json\n    deps: [out/fit.1.json, out/fit.2.json, out/fit.1.json.md]\n';
    expect(rename(sweep, 'fit', 'train', 'dvc.yaml')).toBe(
      sweep
        .replace('  fit:', '  train:')
        .replace(/out\/fit\.(?!1\.json\.md)/g, 'out/train.')
    );
  });

  it('renames them where the file lists plots', () => {
    const plots =
      'plots:\n  - out/forest.model.skops: {x: a}\n  - out/judge.metrics.json\n';
    expect(rename(WINE + plots, 'forest', 'trees')).toBe(
      rename(WINE, 'forest', 'trees') + plots.replace('forest', 'trees')
    );
  });

  it('keeps files whose new name is taken, or that have another name', () => {
    for (const outs of [
      '[out/a.txt]\n  c:\n    cmd: y\n    outs: [out/b.txt]',
      '[out/a.txt]\n  c:\n    cmd: y\n    deps: [out/b.txt]',
      '[b.txt]'
    ]) {
      const text = `stages:\n  a:\n    cmd: x out/a.txt\n    outs: ${outs}\n`;
      expect(rename(text, 'a', 'b', 'dvc.yaml')).toBe(
        text.replace('  a:', '  b:')
      );
    }
  });

  it('renames files that are written with escapes', () => {
    const text = (id: string, slash: string): string =>
      `stages:\n  ${id}:\n    cmd: x out/${id}.txt\n    outs: ["out${slash}${id}.txt"]\n`;
    expect(rename(text('a', '\\/'), 'a', 'b', 'dvc.yaml')).toBe(text('b', '/'));
  });

  it('keeps files whose names programs have in themselves', () => {
    for (const [make, read] of [
      ['make', 'read a.txt'],
      ['make a.txt', 'read'],
      ['make a.txt.old', 'read a.txt']
    ]) {
      const text = `stages:\n  a:\n    cmd: ${make}\n    outs: [a.txt]\n  c:\n    cmd: ${read}\n    deps: [a.txt]\n`;
      expect(rename(text, 'a', 'b', 'dvc.yaml')).toBe(
        text.replace('  a:', '  b:')
      );
    }
  });

  it('knows what cannot be a name', () => {
    const { document } = parse(WINE, PATH);
    expect(nameFault(document!, 'load', 'load')).toBeNull();
    expect(nameFault(document!, 'load', '训练-2')).toBeNull();
    expect(nameFault(document!, 'load', 'forest')).toBe('taken');
    for (const name of ['', 'a b', '-a', 'a@b', 'a.b']) {
      expect(nameFault(document!, 'load', name)).toBe('shape');
    }
    expect(nameFault(document!, 'load', 'workflow')).toBe('reserved');
  });
});

describe('moveOutput', () => {
  const OUT = 'workflows/wine/out/load.table.parquet';

  it('changes the path where it is written and read', () => {
    const { document } = parse(WINE, PATH);
    const after = textAfter(document!, moveOutput(OUT, 'export/wine.csv'));
    expect(after).toBe(WINE.split(OUT).join('export/wine.csv'));
    expect(canMoveOutput(document!, OUT, 'export/wine.csv')).toBe(true);
  });

  it('does not take the path of another file', () => {
    const { document } = parse(WINE, PATH);
    const other = document!.stages.flatMap(one => one.outs)[1].paths[0];
    expect(canMoveOutput(document!, OUT, other)).toBe(false);
    expect(textAfter(document!, moveOutput(OUT, other))).toBe(WINE);
  });

  it('writes the path as the folder of its stage needs it', () => {
    const text =
      'stages:\n  a:\n    cmd: python a.py out/a.csv\n    outs: [out/a.csv]\n' +
      '  b:\n    wdir: sub\n    cmd: python b.py ../out/a.csv\n    deps: [../out/a.csv]\n';
    const { document } = parse(text, 'dvc.yaml');
    expect(textAfter(document!, moveOutput('out/a.csv', 'sub/a.tsv'))).toBe(
      text
        .replace('../out/a.csv\n', 'a.tsv\n')
        .replace('[../out/a.csv]', '[a.tsv]')
        .replace(/out\/a\.csv/g, 'sub/a.tsv')
    );
  });
});
