import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';
import type { Edit } from './edits';
import {
  addNode,
  connect,
  disconnect,
  forgetPositions,
  freeId,
  type INewNode,
  moveNodes,
  removeNodes,
  setFileInput
} from './nodes';
import { FLOW, HAND_WRITTEN, textAfter, WINE } from '../../__tests__/samples';
import { setSetting, setTitle } from './variables';

const PATH = 'workflows/wine/dvc.yaml';

function read(text: string, path = PATH): IWorkflowDocument {
  const result = parse(text, path);
  if (result.error) {
    throw new Error(`${JSON.stringify(result.error)}\n${text}`);
  }
  return result.document;
}

function edit(text: string, change: Edit, path = PATH): string {
  const document = read(text, path);
  const after = textAfter(document, change);
  read(after, path);
  return after;
}

/** Lines that only one of the texts contains, as a diff shows them. */
function diff(before: string, after: string): string[] {
  const one = before.split('\n');
  const other = after.split('\n');
  const table = one.map(() => other.map(() => 0));
  const length = (i: number, j: number): number => table[i]?.[j] ?? 0;
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      table[i][j] =
        one[i] === other[j]
          ? length(i + 1, j + 1) + 1
          : Math.max(length(i + 1, j), length(i, j + 1));
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) {
      i += 1;
      j += 1;
    } else if (
      j >= other.length ||
      (i < one.length && length(i + 1, j) >= length(i, j + 1))
    ) {
      lines.push(`-${one[i++]}`);
    } else {
      lines.push(`+${other[j++]}`);
    }
  }
  return lines;
}

const SVM: INewNode = {
  id: 'svm',
  component: 'train_classifier',
  outputs: [
    { name: 'model', type: 'Model', extension: '.skops' },
    { name: 'scores', type: 'Metrics', extension: '.json' }
  ],
  at: [10.4, 20]
};

describe('addNode', () => {
  it('adds a stage behind the last one and touches nothing else', () => {
    expect(diff(WINE, edit(WINE, addNode(SVM)))).toEqual([
      '+  svm:',
      '+    wdir: ../..',
      '+    cmd: jupyter mlws node train_classifier --model workflows/wine/out/svm.model.skops --scores workflows/wine/out/svm.scores.json',
      '+    outs:',
      '+    - workflows/wine/out/svm.model.skops',
      '+    metrics:',
      '+    - workflows/wine/out/svm.scores.json',
      '+    meta: {at: [10, 20]}'
    ]);
  });

  it("keeps to the file's indentation", () => {
    const after = edit(HAND_WRITTEN, addNode(SVM), 'dvc.yaml');
    expect(after).toContain('    svm:\n        cmd: jupyter mlws node');
    expect(after).toContain(
      '        outs:\n            - out/svm.model.skops\n'
    );
  });

  it.each([
    '',
    '# nothing yet\n',
    '# open end',
    'stages: {}\n',
    'stages:\n',
    'stages: {}',
    '{}',
    'vars: []\n',
    '---\n'
  ])('begins a workflow in %j', text => {
    const after = edit(text, addNode(SVM));
    expect(read(after).stages.map(stage => stage.id)).toEqual(['svm']);
  });

  it('stays in flow style', () => {
    const after = edit(FLOW, addNode(SVM), 'dvc.yaml');
    expect(after.split('\n')).toHaveLength(FLOW.split('\n').length);
    expect(read(after, 'dvc.yaml').stages.map(stage => stage.id)).toEqual([
      'a',
      'b',
      'svm'
    ]);
  });
});

describe('removeNodes', () => {
  it('takes the settings and what others took from it along', () => {
    expect(diff(WINE, edit(WINE, removeNodes(new Set(['forest']))))).toEqual([
      '-  - forest: {n_estimators: 100, optim: {lr: 0.1}}',
      ...WINE.split('\n')
        .slice(13, 21)
        .map(line => `-${line}`),
      '-      --model workflows/wine/out/forest.model.skops',
      '-      - workflows/wine/out/forest.model.skops'
    ]);
  });

  it('leaves a workflow that DVC reads when the last one goes', () => {
    const after = edit(WINE, removeNodes(new Set(['load', 'forest', 'judge'])));
    expect(after).toContain('stages: {}');
    expect(after).toContain('# the end');
  });

  it('works in flow style', () => {
    const after = edit(FLOW, removeNodes(new Set(['a'])), 'dvc.yaml');
    expect(read(after, 'dvc.yaml').stages).toMatchObject([
      { id: 'b', deps: [] }
    ]);
    expect(after).not.toContain('--data');
    expect(after).not.toContain('"x"');
  });
});

describe('connect and disconnect', () => {
  const link = {
    source: 'load',
    path: 'workflows/wine/out/load.table.parquet',
    target: 'svm',
    port: 'data'
  };

  it('writes the dependency and the argument', () => {
    const before = edit(WINE, addNode(SVM));
    const after = edit(before, connect(link));
    expect(diff(before, after)).toEqual([
      '-    cmd: jupyter mlws node train_classifier --model workflows/wine/out/svm.model.skops --scores workflows/wine/out/svm.scores.json',
      '+    cmd: jupyter mlws node train_classifier --model workflows/wine/out/svm.model.skops --scores workflows/wine/out/svm.scores.json --data workflows/wine/out/load.table.parquet',
      '+    deps:',
      '+    - workflows/wine/out/load.table.parquet'
    ]);
    expect(edit(after, disconnect(link))).toBe(before);
  });

  it('writes the argument in front of the settings', () => {
    const before = edit(WINE, addNode(SVM));
    const set = edit(before, setSetting('svm', ['kernel'], 'rbf'));
    const after = edit(set, connect(link));
    expect(after).toContain(
      '--data workflows/wine/out/load.table.parquet ${svm}\n'
    );
  });

  it('edits a folded command in its place', () => {
    const part = {
      path: 'workflows/wine/out/load.table.parquet',
      target: 'judge',
      port: 'data'
    };
    expect(diff(WINE, edit(WINE, disconnect(part)))).toEqual([
      '-      --data workflows/wine/out/load.table.parquet',
      '-      - workflows/wine/out/load.table.parquet'
    ]);
  });

  it('connects what is no component by the dependency alone', () => {
    const link = {
      source: 'prepare',
      path: 'data/clean',
      target: 'compare',
      port: null
    };
    const after = edit(HAND_WRITTEN, connect(link), 'dvc.yaml');
    expect(diff(HAND_WRITTEN, after)).toEqual([
      '-        deps: [models]',
      '+        deps: [models, data/clean]'
    ]);
    expect(edit(after, disconnect(link), 'dvc.yaml')).toBe(HAND_WRITTEN);
  });

  it('keeps a quoted command readable', () => {
    const link = {
      source: 'a',
      path: 'out/a.parquet',
      target: 'b',
      port: 'more'
    };
    const after = edit(FLOW, connect(link), 'dvc.yaml');
    expect(after).toContain('--table out/b.parquet --more out/a.parquet"');
  });

  it('quotes a path that would end the plain text', () => {
    const text =
      "stages:\n  a:\n    cmd: jupyter mlws node a --t 'x y'\n    outs: [x y]\n";
    const after = edit(
      text,
      setFileInput('a', 'file', 'data/a: #1.csv'),
      'dvc.yaml'
    );
    expect(read(after, 'dvc.yaml').stages[0].args[1]).toMatchObject({
      name: 'file',
      raw: 'data/a: #1.csv'
    });
  });
});

describe('setSetting', () => {
  it('changes one value on its line', () => {
    const after = edit(WINE, setSetting('forest', ['n_estimators'], 200));
    expect(diff(WINE, after)).toEqual([
      '-  - forest: {n_estimators: 100, optim: {lr: 0.1}}',
      '+  - forest: {n_estimators: 200, optim: {lr: 0.1}}'
    ]);
  });

  it('reaches into nested settings and adds new ones', () => {
    const after = edit(WINE, setSetting('forest', ['optim', 'decay'], 1e-7));
    expect(after).toContain('optim: {lr: 0.1, decay: 1.0e-7}}');
  });

  it('makes the entry and the unpacking, and takes both away again', () => {
    const after = edit(WINE, setSetting('load', ['separator'], ';'));
    expect(diff(WINE, after)).toEqual([
      '+  - load: {separator: ";"}',
      '-    cmd: jupyter mlws node load_csv --file data/wine.csv --table workflows/wine/out/load.table.parquet',
      '+    cmd: jupyter mlws node load_csv --file data/wine.csv --table workflows/wine/out/load.table.parquet ${load}'
    ]);
    expect(edit(after, setSetting('load', ['separator'], undefined))).toBe(
      WINE
    );
  });

  it('makes the variables of a file that has none', () => {
    const text = 'stages:\n  a:\n    cmd: jupyter mlws node a\n';
    const after = edit(text, setSetting('a', ['x'], 'yes'), 'dvc.yaml');
    expect(after).toBe('vars:\n- a: {x: "yes"}\n' + text.trimEnd() + ' ${a}\n');
    expect(edit(after, setSetting('a', ['x'], undefined), 'dvc.yaml')).toBe(
      text
    );
  });

  it('moves a value from the command line to the settings', () => {
    const text =
      'stages:\n  a:\n    cmd: jupyter mlws node a --x 1 --out o\n    outs: [o]\n';
    const after = edit(text, setSetting('a', ['x'], 2), 'dvc.yaml');
    expect(after).toContain('cmd: jupyter mlws node a --out o ${a}\n');
  });
});

describe('other edits', () => {
  it('writes places into meta and forgets them', () => {
    const moved = edit(
      WINE,
      moveNodes(
        new Map([
          ['load', [1.6, -3] as [number, number]],
          ['forest', [5, 6]]
        ])
      )
    );
    expect(diff(WINE, moved)).toEqual([
      '+    meta: {at: [2, -3]}',
      '-    meta: {at: [240, 120]}',
      '+    meta: {at: [5, 6]}'
    ]);
    expect(edit(moved, forgetPositions)).not.toContain('meta');
  });

  it('names the workflow', () => {
    expect(edit(WINE, setTitle('葡萄酒: 二'))).toContain(
      '{name: "葡萄酒: 二"}   # title'
    );
    expect(edit('stages: {}\n', setTitle('A'))).toBe(
      'vars:\n- workflow: {name: A}\nstages: {}\n'
    );
  });

  it('finds names that nothing has', () => {
    expect(freeId(read(WINE), 'forest')).toBe('forest_2');
    expect(freeId(read(''), 'workflow')).toBe('workflow_2');
  });
});

/** Workflows in many layouts: indentation, line ends, quoting, comments, flow and block. */
const workflow = fc
  .record({
    names: fc.uniqueArray(
      fc.constantFrom('a', 'b_2', 'träger', '数据', 'Z9', 'e'),
      { minLength: 1 }
    ),
    step: fc.constantFrom(2, 3, 4),
    listStep: fc.constantFrom(0, 2),
    eol: fc.constantFrom('\n', '\r\n'),
    end: fc.boolean(),
    comments: fc.boolean(),
    flowLists: fc.boolean(),
    quote: fc.constantFrom('', '"', "'"),
    fold: fc.boolean(),
    vars: fc.constantFrom('none', 'flow', 'block')
  })
  .map(shape => {
    const pad = ' '.repeat(shape.step);
    const q = shape.quote;
    const lines: string[] = shape.comments ? ['# head', ''] : [];
    if (shape.vars !== 'none') {
      lines.push('vars:', '  - workflow: {name: X}');
    }
    for (const name of shape.vars === 'none' ? [] : shape.names) {
      lines.push(
        ...(shape.vars === 'flow'
          ? [`  - ${name}: {x: 1, y: [1, 2]}`]
          : [
              `  - ${name}:`,
              '      x: 1',
              '      y:',
              '        - 1',
              '        - 2'
            ])
      );
    }
    lines.push('stages:');
    shape.names.forEach((name, index) => {
      const before = index > 0 ? ` --data out/${shape.names[index - 1]}` : '';
      const tail = shape.vars === 'none' ? '' : ` \${${name}}`;
      const command = `jupyter mlws node c --out out/${name}${before}${tail}`;
      lines.push(...(shape.comments ? [`${pad}# about ${name}`] : []));
      lines.push(`${pad}${name}:${shape.comments ? '  # note' : ''}`);
      lines.push(
        ...(shape.fold
          ? [
              `${pad}${pad}cmd: >-`,
              ...command
                .split(' --')
                .map((part, at) => `${pad}${pad}${pad}${at ? '--' : ''}${part}`)
            ]
          : [`${pad}${pad}cmd: ${q}${command}${q}`])
      );
      for (const [list, path] of index > 0
        ? [
            ['deps', `out/${shape.names[index - 1]}`],
            ['outs', `out/${name}`]
          ]
        : [['outs', `out/${name}`]]) {
        lines.push(
          ...(shape.flowLists
            ? [`${pad}${pad}${list}: [ ${q}${path}${q} ]`]
            : [
                `${pad}${pad}${list}:`,
                `${pad}${pad}${' '.repeat(shape.listStep)}- ${q}${path}${q}`
              ])
        );
      }
      if (shape.comments && index % 2 === 1) {
        lines.push('');
      }
    });
    return {
      names: shape.names,
      text: lines.join(shape.eol) + (shape.end ? shape.eol : '')
    };
  });

describe('every edit', () => {
  it('is undone, byte for byte, by its inverse', () => {
    fc.assert(
      fc.property(workflow, ({ names, text }) => {
        const last = names[names.length - 1];
        const added = edit(text, addNode(SVM), 'dvc.yaml');
        const link = {
          source: last,
          path: `out/${last}`,
          target: 'svm',
          port: 'data'
        };
        const linked = edit(added, connect(link), 'dvc.yaml');
        const set = edit(linked, setSetting('svm', ['k'], 'on'), 'dvc.yaml');
        expect(edit(set, setSetting('svm', ['k'], undefined), 'dvc.yaml')).toBe(
          linked
        );
        expect(edit(linked, disconnect(link), 'dvc.yaml')).toBe(added);
        expect(edit(set, removeNodes(new Set(['svm'])), 'dvc.yaml')).toBe(text);
      })
    );
  });

  it('leaves no trace of a removed node, and the others as they were', () => {
    fc.assert(
      fc.property(workflow, fc.nat(), ({ names, text }, pick) => {
        const gone = names[pick % names.length];
        const after = read(
          edit(text, removeNodes(new Set([gone])), 'dvc.yaml'),
          'dvc.yaml'
        );
        expect(after.stages.map(stage => stage.id)).toEqual(
          names.filter(name => name !== gone)
        );
        expect(Object.keys(after.vars)).not.toContain(gone);
        const paths = after.stages.flatMap(stage =>
          stage.deps.flatMap(dep => dep.paths)
        );
        expect(paths).not.toContain(`out/${gone}`);
      })
    );
  });

  it('changes no line of another stage', () => {
    fc.assert(
      fc.property(workflow, ({ names, text }) => {
        const after = edit(
          text,
          setSetting(names[0], ['x'], 'two words'),
          'dvc.yaml'
        );
        const kept = after.split('\n');
        const lost = text.split('\n').filter(line => !kept.includes(line));
        expect(lost.length).toBeLessThanOrEqual(2);
        expect(read(after, 'dvc.yaml').vars[names[0]]).toMatchObject({
          x: 'two words'
        });
      })
    );
  });
});
