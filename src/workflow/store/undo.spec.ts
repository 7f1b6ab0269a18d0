import { YFile } from '@jupyter/ydoc';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { asOneStep, UndoHistory } from './undo';

function file(text = ''): YFile {
  const shared = new YFile();
  shared.setSource(text);
  shared.clearUndoHistory();
  return shared;
}

function write(shared: YFile, text: string): void {
  asOneStep(shared, () =>
    shared.updateSource(
      shared.getSource().length,
      shared.getSource().length,
      text
    )
  );
}

describe('UndoHistory', () => {
  it('undoes the newest step wherever it was, and does it again', () => {
    const [one, other] = [file(), file()];
    const saved = vi.fn();
    const history = new UndoHistory();
    history.follow(one);
    history.follow(other, saved);
    history.follow(other, saved);
    const texts = (): string[] => [one.getSource(), other.getSource()];
    write(one, 'a');
    write(other, 'b');
    write(one, 'c');
    history.undo();
    expect(texts()).toEqual(['a', 'b']);
    expect(saved).not.toHaveBeenCalled();
    history.undo();
    expect(texts()).toEqual(['a', '']);
    expect(saved).toHaveBeenCalledTimes(1);
    history.undo();
    expect(texts()).toEqual(['', '']);
    expect([history.canUndo, history.canRedo]).toEqual([false, true]);
    history.redo();
    history.redo();
    expect(texts()).toEqual(['a', 'b']);
    // A new step clears the redo stack.
    write(other, 'd');
    expect(history.canRedo).toBe(false);
    history.redo();
    expect(texts()).toEqual(['a', 'bd']);
    history.undo();
    history.undo();
    expect(texts()).toEqual(['a', '']);
  });

  it('undoes and redoes a joined step with the one before it', () => {
    const [one, other] = [file(), file()];
    const history = new UndoHistory();
    history.follow(one);
    history.follow(other);
    const texts = (): string[] => [one.getSource(), other.getSource()];
    write(one, 'a');
    write(one, 'b');
    write(other, 'c');
    history.join();
    for (let round = 0; round < 2; round += 1) {
      history.undo();
      expect(texts()).toEqual(['a', '']);
      history.redo();
      expect(texts()).toEqual(['ab', 'c']);
    }
    history.undo();
    history.undo();
    expect(texts()).toEqual(['', '']);
  });

  it('leaves a document that is gone, and knows what was undone elsewhere', () => {
    const [one, other] = [file(), file()];
    const history = new UndoHistory();
    history.follow(one);
    history.follow(other);
    write(one, 'a');
    write(other, 'b');
    other.undo();
    history.undo();
    expect([one.getSource(), other.getSource()]).toEqual(['', '']);
    write(one, 'c');
    write(other, 'd');
    other.dispose();
    history.undo();
    expect(one.getSource()).toBe('');
    expect(history.canUndo).toBe(false);
    history.dispose();
  });

  it('is one line of steps, whatever is done (property)', () => {
    const step = fc.constantFrom(0, 1, 2, 'undo' as const, 'redo' as const);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const files = [file(), file(), file()];
        const history = new UndoHistory();
        files.forEach(one => history.follow(one));
        const texts = (): string => files.map(one => one.getSource()).join('|');
        let line = [texts()];
        let at = 0;
        steps.forEach((one, index) => {
          if (one === 'undo') {
            history.undo();
            at = Math.max(0, at - 1);
          } else if (one === 'redo') {
            history.redo();
            at = Math.min(line.length - 1, at + 1);
          } else {
            write(files[one], String(index % 10));
            line = [...line.slice(0, at + 1), texts()];
            at += 1;
          }
          expect(texts()).toBe(line[at]);
          expect(history.canUndo).toBe(at > 0);
          expect(history.canRedo).toBe(at < line.length - 1);
        });
      })
    );
  });
});
