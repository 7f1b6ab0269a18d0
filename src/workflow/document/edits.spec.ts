import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';
import type { Edit } from './edits';
import {
  addNode,
  connect,
  disconnect,
  freeId,
  type INewNode,
  removeNodes,
  setFileInput
} from './nodes';
import { textAfter, WINE } from '../../__tests__/samples';
import { setSetting } from './variables';

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

const SVM: INewNode = {
  id: 'svm',
  component: 'train_classifier',
  outputs: [
    { name: 'model', type: 'Model', extension: '.skops' },
    { name: 'scores', type: 'Metrics', extension: '.json' }
  ],
  at: [10.4, 20]
};

describe('connect and disconnect', () => {
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

it('finds names that nothing has', () => {
  expect(freeId(read(WINE), 'forest')).toBe('forest_2');
  expect(freeId(read(''), 'workflow')).toBe('workflow_2');
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
