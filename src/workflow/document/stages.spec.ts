import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';
import type { Edit } from './edits';
import { addCommandNode, addInput } from './nodes';
import {
  HAND_WRITTEN,
  setMeta,
  textAfter,
  WINE
} from '../../__tests__/samples';
import {
  addOutput,
  fileNode,
  removeFile,
  setCommand,
  setFrozen,
  setTitle
} from './stages';

const PATH = 'workflows/wine/dvc.yaml';

function read(text: string, path: string): IWorkflowDocument {
  const { document, error } = parse(text, path);
  if (error) {
    throw new Error(JSON.stringify(error) + text);
  }
  return document;
}

function edit(text: string, change: Edit, path = PATH): string {
  const after = textAfter(read(text, path), change);
  read(after, path);
  return after;
}

describe('nodes that run files', () => {
  it('run in the project, and depend on the file', () => {
    const after = edit(WINE, now =>
      addCommandNode(fileNode(now, 'plot', 'src/plot it.py', [1, 2]))(now)
    );
    expect(after).toBe(
      WINE.replace(
        '# the end\n',
        `  plot:
    wdir: ../..
    cmd: python 'src/plot it.py'
    deps:
    - src/plot it.py
    meta: {at: [1, 2]}
# the end
`
      )
    );
  });

  it('write the executed copy of a notebook', () => {
    const after = edit(WINE, now =>
      addCommandNode(fileNode(now, 'train', 'nb/train.ipynb', [0, 0]))(now)
    );
    const stage = read(after, PATH).stages[3];
    expect(stage.kind).toBe('notebook');
    expect(stage.commands).toEqual([
      'jupyter mlws notebook nb/train.ipynb --out workflows/wine/out/train.ipynb'
    ]);
    expect(stage.outs[0].raw).toBe('workflows/wine/out/train.ipynb');
  });
});

describe('commands', () => {
  const path = 'dvc.yaml';

  it('change on their line', () => {
    const after = edit(
      HAND_WRITTEN,
      setCommand('train', 'python fit.py ${item}'),
      path
    );
    expect(after).toBe(
      HAND_WRITTEN.replace('python train.py ${item}', 'python fit.py ${item}')
    );
  });

  it('change one line of a list alone', () => {
    const after = edit(
      HAND_WRITTEN,
      setCommand(
        'compare',
        'python compare.py ${item.metric}\necho "done: yes"'
      ),
      path
    );
    expect(after).toBe(
      HAND_WRITTEN.replace('- echo done', '- "echo \\"done: yes\\""')
    );
  });

  it('keep a block of lines', () => {
    const text =
      'stages:\n  a:\n    cmd: |\n      echo 1\n      echo 2\n    deps: [x]\n';
    const after = edit(text, setCommand('a', 'echo 1\necho 3'), path);
    expect(after).toBe(text.replace('echo 2', 'echo 3'));
  });

  it('become lists, and single lines again', () => {
    const text = 'stages:\n  a:\n    cmd: echo 1\n    deps: [x]\n';
    const two = edit(text, setCommand('a', 'echo 1\necho 2'), path);
    expect(read(two, path).stages[0].commands).toEqual(['echo 1', 'echo 2']);
    const one = edit(two, setCommand('a', 'echo 3'), path);
    expect(read(one, path).stages[0].commands).toEqual(['echo 3']);
    expect(one).toContain('    deps: [x]\n');
  });
});

describe('files of commands', () => {
  const path = 'dvc.yaml';

  it('are added where the lists are, and leave no trace', () => {
    const read_ = edit(HAND_WRITTEN, addInput('prepare', 'a.csv'), path);
    expect(read_).toBe(
      HAND_WRITTEN.replace('"data/raw"]', '"data/raw", a.csv]')
    );
    expect(
      edit(read_, removeFile('prepare', { list: 'deps', index: 2 }), path)
    ).toBe(HAND_WRITTEN);
    const written = edit(
      HAND_WRITTEN,
      addOutput('prepare', 'm.json', 'metrics'),
      path
    );
    expect(written).toContain(
      '        outs: [data/clean]\n        metrics:\n            - m.json\n'
    );
    expect(
      edit(written, removeFile('prepare', { list: 'metrics', index: 0 }), path)
    ).toBe(HAND_WRITTEN);
  });

  it('are written from the folder of the command', () => {
    const text = 'stages:\n  a:\n    wdir: src\n    cmd: make\n';
    const after = edit(text, addOutput('a', 'out/x'), path);
    expect(after).toContain('- ../out/x\n');
  });
});

describe('marks of a stage', () => {
  it('gives a node a title, and takes it away', () => {
    const titled = edit(WINE, setTitle('forest', 'Which trees? 森林'));
    expect(titled).toContain('desc: Which trees? 森林\n');
    expect(edit(titled, setTitle('forest', ''))).toBe(WINE);
  });

  it('freeze and thaw', () => {
    const frozen = edit(WINE, setFrozen(new Set(['forest', 'judge']), true));
    expect(frozen.split('frozen: true')).toHaveLength(3);
    expect(read(frozen, PATH).stages.map(stage => stage.frozen)).toEqual([
      false,
      true,
      true
    ]);
    expect(edit(frozen, setFrozen(new Set(['forest', 'judge']), false))).toBe(
      WINE
    );
  });

  it('ask of the engine', () => {
    const asked = edit(WINE, setMeta('load', 'retries', 2));
    expect(asked).toContain('    meta: {retries: 2}\n');
    expect(edit(asked, setMeta('load', 'retries'))).toBe(WINE);
    const beside = edit(WINE, setMeta('forest', 'memory', '2Gi'));
    expect(beside).toContain('meta: {at: [240, 120], memory: 2Gi}');
  });
});
