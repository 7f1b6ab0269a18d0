import { YFile } from '@jupyter/ydoc';
import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { describe, expect, it } from 'vitest';

import { copyNodes, pasteNodes } from './clipboard';
import { type IWorkflowDocument, parse } from './document';
import type { Edit } from './edits';
import {
  addCommandNode,
  addInput,
  addNode,
  moveNodes,
  removeNodes
} from './nodes';
import { addFrame, addNote } from './notes';
import { renameNode } from './rename';
import { setMeta } from '../../__tests__/samples';
import { addOutput, fileNode, setCommand, setFrozen } from './stages';
import { setTitle } from './variables';
import { CanvasModel } from '../store/model';

/** Folder with files named `*dvc.yaml` of public projects, outside of this repository. */
const FOLDER = process.env.MLWS_PUBLIC_PIPELINES;
const FILES = FOLDER
  ? readdirSync(FOLDER).filter(name => name.endsWith('dvc.yaml'))
  : [];

function open(text: string): { file: YFile; model: CanvasModel } {
  const file = new YFile();
  file.setSource(text);
  file.clearUndoHistory();
  file.dirty = false;
  const model = new CanvasModel({
    sharedModel: file,
    path: 'dvc.yaml',
    isDirty: false,
    save: async () => undefined,
    asOwn: change => change()
  });
  return { file, model };
}

/** Lines that only one of the texts contains. */
function diff(
  before: string,
  after: string
): { gone: string[]; come: string[] } {
  const count = new Map<string, number>();
  // A byte order mark stays the first of all, whatever line follows it.
  const lines = (text: string): string[] =>
    text.replace(/^\ufeff/, '').split('\n');
  lines(after).forEach(line => count.set(line, (count.get(line) ?? 0) + 1));
  const gone: string[] = [];
  for (const line of lines(before)) {
    const left = count.get(line) ?? 0;
    if (left > 0) {
      count.set(line, left - 1);
    } else {
      gone.push(line);
    }
  }
  const come = [...count].flatMap(([line, left]) =>
    Array.from({ length: left }, () => line)
  );
  return { gone, come };
}

/** Each kind of edit, with the lines that it may take away of a document. */
function edits(
  document: IWorkflowDocument
): [string, Edit, (line: string) => boolean][] {
  const none = (): boolean => false;
  const ids = document.stages.map(stage => stage.id);
  const [first] = document.stages;
  const out = document.stages.flatMap(stage => stage.outs).map(one => one.raw);
  return [
    [
      'add a component',
      addNode({
        id: 'new_node',
        component: 'load_table',
        outputs: [{ name: 'table', type: 'Table', extension: '.parquet' }],
        at: [1, 2]
      }),
      none
    ],
    [
      'add a script',
      now => addCommandNode(fileNode(now, 'x_y', 'src/x.py', [0, 0]))(now),
      none
    ],
    ['add a note', addNote({ text: 'a: b', at: [0, 0] }), none],
    ['frame', addFrame({ title: 'F', nodes: ids }), none],
    ['title', setTitle('Another title'), none],
    [
      'move all',
      moveNodes(new Map(ids.map(id => [id, [7, 8]]))),
      line => line.includes('meta')
    ],
    [
      'freeze all',
      setFrozen(new Set(ids), true),
      line => line.includes('frozen')
    ],
    ['retries', setMeta(first.id, 'retries', 3), line => line.includes('meta')],
    [
      'duplicate all',
      now =>
        pasteNodes(now, copyNodes(now, new Set(ids), new Map()), {
          x: 0,
          y: 0
        }).edit(now),
      none
    ],
    [
      'another dependency',
      addInput(first.id, 'data/another.csv'),
      line => /deps:\s*\[/.test(line)
    ],
    [
      'another output',
      addOutput(first.id, 'data/another.out'),
      line => /outs:\s*\[/.test(line)
    ],
    ...document.stages.map(
      ({ id, commands }): [string, Edit, (line: string) => boolean] => [
        `command of ${id}`,
        setCommand(
          id,
          [...commands.slice(0, -1), `${commands.at(-1)} --more`].join('\n')
        ),
        line =>
          line.includes('cmd') ||
          commands.some(command => command.includes(line.trim()))
      ]
    ),
    ...ids.map((id): [string, Edit, (line: string) => boolean] => [
      `rename ${id}`,
      renameNode(id, `${id}-renamed`),
      line => line.includes(id)
    ]),
    ...document.stages.map(
      ({ id, outs }): [string, Edit, (line: string) => boolean] => [
        `remove ${id}`,
        removeNodes(new Set([id])),
        line =>
          outs.some(one => line.includes(one.raw)) ||
          out.length === 0 ||
          inside(document, id, line)
      ]
    )
  ];
}

/** Tests whether a line belongs to a stage, or to a list that is empty without it. */
function inside(
  { source: { text } }: IWorkflowDocument,
  id: string,
  line: string
): boolean {
  const lines = text.split('\n');
  const start = lines.findIndex(one =>
    new RegExp(`^\\s+["']?${id}["']?:`).test(one)
  );
  const indent = lines[start].search(/\S/);
  const end = lines.findIndex(
    (one, index) =>
      index > start && one.trim() !== '' && one.search(/\S/) <= indent
  );
  const own = lines.slice(start, end < 0 ? undefined : end);
  return own.includes(line) || /^\s*(deps|stages|vars):/.test(line);
}

describe.skipIf(FILES.length === 0)('files of public projects', () => {
  it('are enough', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(15);
  });

  it.each(FILES)('%s: opening changes no byte', name => {
    const text = readFileSync(join(FOLDER!, name), 'utf8');
    const { file, model } = open(text);
    expect(model.document.error).toBeNull();
    expect(model.drawing.graph.nodes.size).toBe(
      model.document.workflow.stages.length
    );
    expect(file.getSource()).toBe(text);
    model.dispose();
  });

  it.each(FILES)('%s: edits change their lines alone, and undo all', name => {
    const text = readFileSync(join(FOLDER!, name), 'utf8');
    const { document } = parse(text);
    for (const [kind, edit, mayGo] of document!.stages.length > 0
      ? edits(document!)
      : []) {
      const { file, model } = open(text);
      model.document.edit(edit);
      const after = file.getSource();
      expect(model.document.error, kind).toBeNull();
      expect(after, kind).not.toBe(text);
      const { gone } = diff(text, after);
      expect(
        gone.filter(line => !mayGo(line)),
        kind
      ).toEqual([]);
      model.document.undo();
      expect(file.getSource(), kind).toBe(text);
      model.dispose();
    }
  });
});
