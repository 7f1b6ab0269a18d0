import { YFile } from '@jupyter/ydoc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { fake } from '../../__tests__/server';
import type { IComponent, IRun, IWorkflowEvent } from '../../api/models';
import type { IEventStream } from '../../api/stream';
import { HAND_WRITTEN, WINE } from '../../__tests__/samples';
import type { ILink } from '../graph/graph';
import * as gestures from './gestures';
import { CanvasModel } from './model';
import type { WorkflowService } from './service';

const TRAIN = {
  name: 'train_classifier',
  title: 'Train',
  category: 'Train',
  description: '',
  inputs: [
    {
      name: 'data',
      type: 'Table',
      required: true,
      multiple: false,
      description: ''
    }
  ],
  outputs: [
    { name: 'model', type: 'Model', extension: '.skops', description: '' }
  ],
  settings: { type: 'object', properties: {} },
  source: 'library',
  error: null
} as unknown as IComponent;

function open(
  text: string,
  path = 'dvc.yaml'
): { file: YFile; model: CanvasModel } {
  const file = new YFile();
  file.setSource(text);
  file.clearUndoHistory();
  file.dirty = false;
  const model = new CanvasModel({
    sharedModel: file,
    path,
    get isDirty() {
      return file.dirty;
    },
    save: async () => {
      file.dirty = false;
    },
    asOwn: change => change()
  });
  return { file, model };
}

/** With a library, as the server gives it. */
async function openWithLibrary(
  text: string
): Promise<{ file: YFile; model: CanvasModel }> {
  const opened = open(text);
  const service = fake<WorkflowService>({
    id: 'dvc.yaml',
    path: 'dvc.yaml',
    components: async () => [TRAIN],
    run: async () => null,
    runs: async () => ({ items: [], next_cursor: null }),
    plan: async () => ({ nodes: [] }),
    validate: async () => []
  });
  const signal = { connect: () => true, disconnect: () => true };
  const events = fake<IEventStream<IWorkflowEvent>>({
    message: signal,
    connectionChanged: signal,
    dispose: () => undefined
  });
  await opened.model.attach(service, events);
  return opened;
}

function link(
  source: string,
  sourcePort: string,
  target: string,
  targetPort: string
): ILink {
  return { source, sourcePort, target, targetPort };
}

describe('CanvasModel', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('writes for its own folder before the server has told of it', () => {
    const { file, model } = open('stages: {}\n', 'workflows/tea/dvc.yaml');
    gestures.addFiles(model, ['src/clean.py'], { x: 0, y: 0 });
    expect(file.getSource()).toContain('wdir: ../..');
    expect(file.getSource()).toContain('cmd: python src/clean.py');
  });

  it('opens and changes nothing', () => {
    for (const text of [
      WINE,
      HAND_WRITTEN,
      '',
      'a: [',
      WINE.replace(/\n/g, '\r\n')
    ]) {
      const { file, model } = open(text);
      vi.advanceTimersByTime(2000);
      expect(file.getSource()).toBe(text);
      expect(file.dirty).toBe(false);
      model.dispose();
    }
  });

  it('has nodes where they were after an earlier version is restored', () => {
    const { model } = open(WINE.replace(/ *meta: .*\n/g, ''));
    model.drawing.setShape({ width: 500, height: 800 });
    const before = new Map(model.drawing.positions);
    const text = model.document.text;
    const [first, second] = model.drawing.graph.nodes.keys();
    // With the results open, a new layout would differ.
    model.drawing.setShape({ width: 2000, height: 300 });
    model.drawing.move(new Map([[first, { x: 700, y: 900 }]]));
    model.selection.select([second]);
    gestures.removeSelected(model);
    model.document.replace(text);
    expect(model.drawing.positions).toEqual(before);
    gestures.rename(model, first, 'other');
    expect(model.drawing.positions.get('other')).toEqual(before.get(first));
    model.dispose();
  });

  it('lays out a graph again where that makes it larger', () => {
    const stages = [1, 2, 3, 4, 5, 6].map(
      n => `  s${n}:\n    cmd: x\n    deps: [f${n - 1}]\n    outs: [f${n}]\n`
    );
    const { model } = open(`stages:\n${stages.join('')}`);
    const { drawing } = model;
    drawing.setShape({ width: 500, height: 900 });
    const high = new Map(drawing.positions);
    drawing.setShape({ width: 520, height: 900 });
    expect(drawing.fillRoom()).toBe(false);
    expect(drawing.positions).toEqual(high);
    drawing.setShape({ width: 1600, height: 200 });
    expect(drawing.fillRoom()).toBe(true);
    const rows = new Set([...drawing.positions.values()].map(({ y }) => y));
    expect(rows.size).toBe(1);
    // Nodes that the user placed stay, and the others with them.
    drawing.move(new Map([['s1', { x: 7, y: 9 }]]));
    drawing.setShape({ width: 500, height: 900 });
    expect(drawing.fillRoom()).toBe(false);
    model.dispose();
  });

  it('makes every gesture one step of undo, however fast they come', async () => {
    const { file, model } = await openWithLibrary(WINE);
    const texts = [file.getSource()];
    gestures.addComponent(model, 'train_classifier', { x: 1, y: 2 });
    texts.push(file.getSource());
    gestures.connect(
      model,
      link('load', 'load.table.parquet', 'train_classifier', 'data')
    );
    gestures.connect(model, link('load', 'table', 'train_classifier', 'data'));
    texts.push(file.getSource());
    model.drawing.move(new Map([['load', { x: 3, y: 4 }]]));
    texts.push(file.getSource());
    model.selection.select(['load', 'forest']);
    gestures.removeSelected(model);
    expect(new Set([...texts, file.getSource()]).size).toBe(5);
    for (const text of [...texts].reverse()) {
      model.document.undo();
      expect(file.getSource()).toBe(text);
    }
    expect(file.canUndo()).toBe(false);
    model.document.redo();
    expect(file.getSource()).toBe(texts[1]);
    expect(model.drawing.graph.nodes.has('train_classifier')).toBe(true);
  });

  it('follows edits made elsewhere, and keeps the last graph while the text is broken', () => {
    const { file, model } = open(WINE);
    expect([...model.drawing.graph.nodes.keys()]).toEqual([
      'load',
      'forest',
      'judge'
    ]);
    const before = model.drawing.graph.nodes.get('load');
    file.setSource(WINE + 'x: [');
    expect(model.document.error?.line).toBeGreaterThan(35);
    expect(model.drawing.graph.nodes.size).toBe(3);
    expect(model.document.edit(({ data }) => ({ ...data, stages: {} }))).toBe(
      false
    );
    file.setSource(WINE.replace('  judge:', '  verdict:'));
    expect(model.document.error).toBeNull();
    expect([...model.drawing.graph.nodes.keys()]).toEqual([
      'load',
      'forest',
      'verdict'
    ]);
    // Unchanged nodes are not rendered again.
    expect(model.drawing.graph.nodes.get('load')).toBe(before);
  });

  it('refuses with a reason, and changes nothing then', async () => {
    const { file, model } = await openWithLibrary(WINE);
    const reasons: unknown[] = [];
    model.document.refused.connect((_, reason) => reasons.push(reason));
    gestures.connect(model, link('forest', 'model', 'forest', 'data'));
    expect(reasons).toEqual([{ kind: 'cycle', nodes: ['forest', 'forest'] }]);
    expect(file.getSource()).toBe(WINE);
  });

  it('saves the file before it resumes a run, retries or skips a node', async () => {
    for (const action of ['resume', 'retry', 'skip'] as const) {
      const { file, model } = open(WINE);
      const texts: string[] = [];
      const run = fake<IRun>({
        id: 'r1',
        status: 'FAILED',
        nodes: [],
        last_seq: 1
      });
      const request = async () => {
        texts.push(file.dirty ? 'unsaved' : file.getSource());
        return run;
      };
      const service = fake<WorkflowService>({
        id: 'dvc.yaml',
        path: 'dvc.yaml',
        components: async () => [],
        run: async () => run,
        runs: async () => ({ items: [run], next_cursor: null }),
        plan: async () => ({ nodes: [] }),
        validate: async () => [],
        continue: request
      });
      const signal = { connect: () => true, disconnect: () => true };
      await model.attach(
        service,
        fake({
          message: signal,
          connectionChanged: signal,
          dispose: () => undefined
        })
      );
      gestures.rename(model, 'judge', 'verdict');
      file.dirty = true;
      await model.runs[action]('forest');
      expect(texts).toEqual([file.getSource()]);
      expect(texts[0]).toContain('  verdict:');
      model.dispose();
    }
  });

  it('refuses an edit that would break the text', () => {
    const { file, model } = open(WINE);
    expect(() =>
      model.document.edit(({ data }) => ({ ...data, stages: 'none' }))
    ).toThrow(/break/);
    expect(file.getSource()).toBe(WINE);
  });
});
