import { YFile } from '@jupyter/ydoc';
import {
  Context,
  DocumentWidget,
  TextModelFactory
} from '@jupyterlab/docregistry';
import {
  type Contents,
  ContentsManager,
  type ServiceManager
} from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import { expect, it, vi } from 'vitest';

import { fake } from '../../__tests__/server';
import { detachLabel, readFile, undoManagerOf } from './labInternals';

it('a shared file has a history with one item for each step', () => {
  const shared = new YFile();
  const manager = undoManagerOf(shared);
  const added: unknown[] = [];
  const add = (event: { stackItem: object }): unknown =>
    added.push(event.stackItem);
  manager.on('stack-item-added', add);
  shared.setSource('a');
  manager.stopCapturing();
  shared.setSource('b');
  expect(manager.undoStack).toEqual(added);
  expect(added).toHaveLength(2);
  manager.off('stack-item-added', add);
  shared.undo();
  expect([manager.undoStack, manager.redoStack].map(one => one.length)).toEqual(
    [1, 1]
  );
  expect(added).toHaveLength(2);
});

it('a file is read without its text replacing the document', async () => {
  const file = { path: 'dvc.yaml', type: 'file', format: 'text' };
  const signal = new Signal<object, unknown>({});
  const drive = fake<Contents.IDrive>({
    name: '',
    get: async () => ({ ...file }),
    listCheckpoints: async () => [],
    createCheckpoint: async () => ({ id: 'c', last_modified: '1' }),
    fileChanged: signal
  });
  const manager = fake<ServiceManager.IManager>({
    contents: new ContentsManager({ defaultDrive: drive }),
    ready: Promise.resolve(),
    isDisposed: false,
    sessions: {
      runningChanged: signal,
      running: () => [],
      refreshRunning: async () => undefined,
      ready: Promise.resolve()
    },
    connectionFailure: signal
  });
  Object.assign(file, { content: 'first', last_modified: '1', writable: true });
  const context = new Context({
    manager,
    factory: new TextModelFactory(),
    path: 'dvc.yaml'
  });
  await context.initialize(false);
  await context.ready;
  expect(context.model.sharedModel.getSource()).toBe('first');

  Object.assign(file, { content: 'second', last_modified: '2' });
  const texts: string[] = [];
  await readFile(context, text => texts.push(text));
  expect(texts).toEqual(['second']);
  expect(context.model.sharedModel.getSource()).toBe('first');
  expect(context.model.sharedModel.canUndo()).toBe(false);
  expect(context.contentsModel?.last_modified).toBe('2');

  await context.revert();
  expect(context.model.sharedModel.getSource()).toBe('second');
  context.dispose();
});

it('lets a tab have another label than its file', () => {
  const changed = new Signal<object, void>({});
  const renamed = vi.fn();
  const widget = { title: { changed }, _onTitleChanged: renamed };
  changed.connect(renamed, widget);
  detachLabel(widget as unknown as DocumentWidget);
  changed.emit();
  expect(renamed).not.toHaveBeenCalled();
  expect('_onTitleChanged' in DocumentWidget.prototype).toBe(true);
});
