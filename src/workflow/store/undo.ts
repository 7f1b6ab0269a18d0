import type { ISharedDocument, ISharedFile } from '@jupyter/ydoc';
import { Signal } from '@lumino/signaling';

import type { ITextEdit } from '../document/textEdits';
import { undoManagerOf } from './labInternals';

type Undoable = Pick<
  ISharedDocument,
  'undo' | 'redo' | 'disposed' | 'isDisposed'
>;

/** Changes a document as a separate step, not merged with edits of the last half second. */
export function asOneStep(shared: Undoable, change: () => void): void {
  const manager = undoManagerOf(shared);
  manager.stopCapturing();
  try {
    change();
  } finally {
    manager.stopCapturing();
  }
}

/** Applies edits, ordered and without overlap, as a single transaction. */
export function writeEdits(
  shared: ISharedFile,
  edits: readonly ITextEdit[]
): void {
  shared.transact(() => {
    for (const { start, end, text } of [...edits].reverse()) {
      shared.updateSource(start, end, text);
    }
  });
}

interface IFollowed {
  /** Called when a step of it was undone or redone. */
  then: () => void;
  stop: () => void;
}

/**
 * History of several documents: undo reverts the newest step of any of them.
 *
 * The steps are in the documents, so that undo in an editor, or edits by collaborators, leave the
 * history valid.
 */
export class UndoHistory {
  readonly changed = new Signal<this, void>(this);

  get canUndo(): boolean {
    return this._newest('undoStack') !== null;
  }

  get canRedo(): boolean {
    return this._newest('redoStack') !== null;
  }

  dispose(): void {
    this._isDisposed = true;
    this._followed.forEach(({ stop }) => stop());
    this._followed.clear();
    Signal.clearData(this);
  }

  /** Takes the steps of a document into the history from now on. */
  follow(shared: Undoable, then: () => void = () => undefined): void {
    if (this._followed.has(shared) || this._isDisposed) {
      return;
    }
    const manager = undoManagerOf(shared);
    const add = ({ stackItem }: { stackItem: object }): void => {
      this._order.set(stackItem, (this._count += 1));
      this._last = stackItem;
      if (!this._isOwn) {
        // A new step clears the redo stack.
        this._edited = this._count;
      }
      this.changed.emit();
    };
    const tell = (): void => this.changed.emit();
    manager.on('stack-item-added', add);
    manager.on('stack-item-updated', add);
    manager.on('stack-cleared', tell);
    const leave = (): void => {
      this._followed.delete(shared);
      this.changed.emit();
    };
    shared.disposed.connect(leave);
    this._followed.set(shared, {
      then,
      stop: () => {
        manager.off('stack-item-added', add);
        manager.off('stack-item-updated', add);
        manager.off('stack-cleared', tell);
        shared.disposed.disconnect(leave);
      }
    });
  }

  /** Joins the newest step to the previous one, of a second document: a single gesture. */
  join(): void {
    if (this._last) {
      this._joined.add(this._last);
    }
  }

  undo(): void {
    this._step('undoStack', shared => shared.undo());
  }

  redo(): void {
    this._step('redoStack', shared => shared.redo());
  }

  private _step(
    stack: 'undoStack' | 'redoStack',
    change: (shared: Undoable) => void
  ): void {
    for (let isJoined = false, isFirst = true; isFirst || isJoined;) {
      const shared = this._newest(stack);
      if (!shared) {
        return;
      }
      const steps = undoManagerOf(shared)[stack];
      isJoined = this._joined.has(steps[steps.length - 1]);
      this._isOwn = true;
      try {
        asOneStep(shared, () => change(shared));
      } finally {
        this._isOwn = false;
      }
      if (!isFirst) {
        this.join(); // Redo has them in reverse order.
      }
      isFirst = false;
      this.changed.emit();
      this._followed.get(shared)?.then();
    }
  }

  /** The document with the newest step. */
  private _newest(stack: 'undoStack' | 'redoStack'): Undoable | null {
    let best: Undoable | null = null;
    let newest = stack === 'redoStack' ? this._edited : -1;
    for (const shared of this._followed.keys()) {
      const steps = undoManagerOf(shared)[stack];
      const last = steps[steps.length - 1];
      const order = last ? (this._order.get(last) ?? 0) : -1;
      if (order > newest) {
        newest = order;
        best = shared;
      }
    }
    return best;
  }

  private _followed = new Map<Undoable, IFollowed>();
  /** Sequence number of the last undo or redo of each step. */
  private _order = new WeakMap<object, number>();
  private _joined = new WeakSet<object>();
  private _last: object | null = null;
  private _count = 0;
  private _edited = -1;
  private _isOwn = false;
  private _isDisposed = false;
}
