import { describe, expect, it } from 'vitest';

import { parse } from './document';
import { nameFault, renameNode } from './rename';
import { HAND_WRITTEN, WINE } from './samples';
import { applySplices } from './splices';

const PATH = 'workflows/wine/dvc.yaml';

function rename(text: string, id: string, name: string, path = PATH): string {
  return applySplices(text, renameNode(parse(text, path).document!, id, name));
}

describe('renameNode', () => {
  it('changes the stage, its own settings and nothing else', () => {
    const after = rename(WINE, 'forest', 'trees');
    expect(after).toBe(
      WINE.replace('  - forest: {', '  - trees: {')
        .replace('\n  forest:\n', '\n  trees:\n')
        .replace('${forest}', '${trees}')
    );
    expect(rename(after, 'trees', 'forest')).toBe(WINE);
  });

  it('leaves a variable that others read', () => {
    const shared = WINE.replace(
      'out/load.table.parquet\n    deps:\n    - data',
      'out/load.table.parquet ${forest.optim}\n    deps:\n    - data'
    );
    expect(rename(shared, 'forest', 'trees')).toBe(
      shared.replace('\n  forest:\n', '\n  trees:\n')
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

  it('knows what cannot be a name', () => {
    const { document } = parse(WINE, PATH);
    expect(nameFault(document!, 'load', 'load')).toBeNull();
    expect(nameFault(document!, 'load', '训练-2')).toBeNull();
    expect(nameFault(document!, 'load', 'forest')).toBe('taken');
    for (const name of ['', 'a b', '-a', 'a@b', 'a.b', 'workflow']) {
      expect(nameFault(document!, 'load', name)).toBe('shape');
    }
  });
});
