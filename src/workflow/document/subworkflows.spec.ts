import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';
import type { Edit } from './edits';
import { setFileInput } from './nodes';
import { framesOf } from './notes';
import { reconcile } from './reconcile';
import { renameNode } from './rename';
import {
  differsFrom,
  extractNodes,
  insertWorkflow,
  originOf,
  setOrigins,
  sourceOf,
  updateFrom
} from './subworkflows';
import { applyEdits } from './textEdits';

const TEXT = `vars:
  - workflow: {name: One}
  - forest: {trees: 10}  # few
stages:
  load:
    wdir: ../..
    cmd: jupyter mlws node load_table --file in.csv --table workflows/one/out/load.table.parquet
    deps: [in.csv]
    outs: [workflows/one/out/load.table.parquet]
  clean:
    wdir: ../..
    cmd: jupyter mlws node clean --data workflows/one/out/load.table.parquet --table workflows/one/out/clean.table.parquet
    deps: [workflows/one/out/load.table.parquet]
    outs: [workflows/one/out/clean.table.parquet]
  forest:
    wdir: ../..
    cmd: jupyter mlws node train --data workflows/one/out/clean.table.parquet --model workflows/one/out/forest.model.skops \${forest}
    deps: [workflows/one/out/clean.table.parquet]
    outs: [workflows/one/out/forest.model.skops]
`;
const SOURCE = 'workflows/models/dvc.yaml';
const PLACES = new Map([
  ['clean', { x: 300, y: 40 }],
  ['forest', { x: 600, y: 40 }]
]);

function read(text: string, path: string): IWorkflowDocument {
  return parse(text, path).document!;
}

function edited(document: IWorkflowDocument, edit: Edit): IWorkflowDocument {
  const edits = reconcile(document.source, document.data, edit(document));
  return read(applyEdits(document.source.text, edits), document.path);
}

const one = read(TEXT, 'workflows/one/dvc.yaml');
const sourceText = extractNodes(
  one,
  new Set(['clean', 'forest']),
  PLACES,
  SOURCE,
  'Models'
);
const source = read(sourceText, SOURCE);
const MEMBERS = ['clean', 'forest'];

describe('sub-workflows', () => {
  it('are files of their own with their settings and outputs', () => {
    expect(source.stages.map(({ id }) => id)).toEqual(MEMBERS);
    expect(source.title).toBe('Models');
    expect(source.vars.forest).toEqual({ trees: 10 });
    expect(source.stages[1].outs[0].paths).toEqual([
      'workflows/models/out/forest.model.skops'
    ]);
    expect(source.stages[0].deps[0].paths).toEqual([
      'workflows/one/out/load.table.parquet'
    ]);
  });

  it('leave the nodes that they come from as they are, but for the note', () => {
    const origins = new Map(MEMBERS.map(id => [id, id]));
    const noted = edited(one, setOrigins(SOURCE, origins));
    expect(noted.source.text).toContain(`meta:`);
    expect(originOf(noted, 'forest')).toEqual({
      path: SOURCE,
      stage: 'forest'
    });
    expect(sourceOf(noted, ['load', 'clean'])).toBe(SOURCE);
    expect(differsFrom(noted, source, MEMBERS)).toBe(false);
    expect(
      noted.source.text
        .split('\n')
        .filter(line => !/meta|origin/.test(line))
        .join('\n')
    ).toBe(TEXT);
  });

  it('are inserted, connected elsewhere, and updated with one edit', () => {
    const empty = read('stages: {}\n', 'workflows/two/dvc.yaml');
    let two = edited(
      empty,
      insertWorkflow(empty, source, PLACES, { x: 0, y: 0 })
    );
    expect(framesOf(two)).toEqual([
      { title: 'Models', nodes: MEMBERS, isCollapsed: true }
    ]);
    expect(differsFrom(two, source, MEMBERS)).toBe(false);
    expect(two.source.text).toContain('workflows/two/out/forest.model.skops');

    // Names, positions and connections of copies are not compared.
    two = edited(two, setFileInput('clean', 'data', 'other.parquet'));
    two = edited(two, renameNode('forest', 'trees'));
    const members = ['clean', 'trees'];
    expect(differsFrom(two, source, members)).toBe(false);

    const newText = sourceText
      .replace('trees: 10', 'trees: 99')
      .replace('node clean ', 'node clean_rows --missing zero ');
    const changed = read(newText, SOURCE);
    expect(differsFrom(two, changed, members)).toBe(true);
    const after = edited(two, updateFrom(changed, members));
    expect(differsFrom(after, changed, members)).toBe(false);
    expect(after.vars.trees).toEqual({ trees: 99 });
    expect(after.source.text).toBe(
      two.source.text
        .replace('trees: 10', 'trees: 99')
        .replace('node clean ', 'node clean_rows --missing zero ')
    );
  });

  it('bring nodes that are new in their file, and lose those that are gone', () => {
    const empty = read('stages: {}\n', 'workflows/two/dvc.yaml');
    const two = edited(
      empty,
      insertWorkflow(empty, source, PLACES, { x: 0, y: 0 })
    );
    const other = read(
      sourceText
        .replace(/ {2}clean:[^]*?(?= {2}forest:)/, '')
        .concat(
          '  predict:\n    wdir: ../..\n    cmd: jupyter mlws node predict --model workflows/models/out/forest.model.skops --table workflows/models/out/predict.table.parquet\n    deps: [workflows/models/out/forest.model.skops]\n    outs: [workflows/models/out/predict.table.parquet]\n'
        ),
      SOURCE
    );
    const after = edited(two, updateFrom(other, MEMBERS));
    const ids = after.stages.map(({ id }) => id);
    expect(ids.sort()).toEqual(['forest', 'predict']);
    expect(framesOf(after)[0].nodes).toContain('predict');
    const predict = after.stages.find(({ id }) => id === 'predict')!;
    expect(predict.deps[0].paths).toEqual([
      'workflows/two/out/forest.model.skops'
    ]);
    expect(differsFrom(after, other, ['forest', 'predict'])).toBe(false);
  });

  it('leave no reader with the file of an output that their file renamed', () => {
    const empty = read('stages: {}\n', 'workflows/two/dvc.yaml');
    const inserted = edited(
      empty,
      insertWorkflow(empty, source, PLACES, { x: 0, y: 0 })
    );
    const two = read(
      `${inserted.source.text}  score:
    wdir: ../..
    cmd: jupyter mlws node score --model workflows/two/out/forest.model.skops --metrics workflows/two/out/score.json
    deps: [workflows/two/out/forest.model.skops]
    outs: [workflows/two/out/score.json]
`,
      'workflows/two/dvc.yaml'
    );
    const renamed = read(
      sourceText
        .replace('--model ', '--best ')
        .replaceAll('forest.model.skops', 'forest.best.skops'),
      SOURCE
    );
    const after = edited(two, updateFrom(renamed, MEMBERS));
    const score = after.stages.find(({ id }) => id === 'score')!;
    expect(score.deps).toEqual([]);
    expect(score.args.map(({ name }) => name)).toEqual(['metrics']);
    expect(differsFrom(after, renamed, MEMBERS)).toBe(false);
  });
});
