import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { mergeTexts } from '../document/diff';
import { editBetween } from '../document/textEdits';
import { readFile } from './labInternals';
import { asOneStep } from './undo';

type Context = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/**
 * Keeps a document in step with its file, which others write as well.
 *
 * Without unsaved edits the file's text is taken. With them both are joined; where they are about
 * the same lines, nothing is changed and `conflict` is set: the person chooses.
 */
export class DiskFollower {
  constructor(
    private _context: Context,
    private _contents: Contents.IManager
  ) {
    void _context.ready.then(() => {
      this._base = this._text;
    });
    _context.saveState.connect(this._onSaveState, this);
  }

  /** Both the file and the document have changed the same lines. */
  get conflict(): boolean {
    return this._conflict;
  }

  readonly conflictChanged = new Signal<this, boolean>(this);

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Reads the file where it changed; calls that come meanwhile are one more reading. */
  refresh(): Promise<void> {
    this._again = true;
    this._refreshing ??= this._refreshAll().finally(() => {
      this._refreshing = null;
    });
    return this._refreshing;
  }

  /** Has the server change the file; what it writes is a step of this document's history. */
  async asOwn<T>(change: () => Promise<T>): Promise<T> {
    this._own += 1;
    try {
      const answer = await change();
      await this.refresh();
      return answer;
    } finally {
      this._own -= 1;
    }
  }

  private async _refreshAll(): Promise<void> {
    while (this._again && !this._isDisposed) {
      this._again = false;
      await this._refresh();
    }
  }

  /** Gives the unsaved edits up for what the file says. */
  async takeFile(): Promise<void> {
    await this._read(theirs => theirs);
    this._setConflict(false);
  }

  private async _refresh(): Promise<void> {
    const context = this._context;
    if (
      this._isDisposed ||
      context.isDisposed ||
      !context.isReady ||
      // Such a document is kept in step by the server.
      context.model.collaborative ||
      this._isSaving
    ) {
      return;
    }
    let file: Contents.IModel;
    try {
      file = await this._contents.get(context.path, { content: false });
    } catch (error) {
      if ((error as { response?: Response }).response?.status === 404) {
        return; // It is gone: what is here can be saved again.
      }
      throw error;
    }
    const lastModified = context.contentsModel?.last_modified;
    if (lastModified !== undefined && file.last_modified === lastModified) {
      return;
    }
    const { content } = await this._contents.get(context.path, {
      type: 'file',
      format: 'text',
      content: true
    });
    if (!this._isDisposed && !this._isSaving && typeof content === 'string') {
      // The lab's documents have line feeds alone, and write the file's own line ends.
      await this._take(content.replace(/\r\n?/g, '\n'));
    }
  }

  private async _take(theirs: string): Promise<void> {
    const ours = this._text;
    const base = this._base;
    const isDirty = this._context.model.dirty && ours !== theirs;
    if (isDirty && mergeTexts(ours, base, theirs) === null) {
      this._setConflict(true);
      return;
    }
    let isLost = false;
    await this._read(read => {
      // Also what was typed while the file was read stays.
      const result = mergeTexts(this._text, isDirty ? base : ours, read);
      isLost = result === null;
      return result ?? this._text;
    });
    this._setConflict(isLost);
  }

  /** Reads the file; `take` says what the document becomes. */
  private async _read(take: (theirs: string) => string): Promise<void> {
    let theirs = this._text;
    await readFile(this._context, text => {
      theirs = text;
      this._write(take(text));
    });
    // The lab takes a text that it has just read for one that was edited.
    this._context.model.dirty = this._text !== theirs;
    this._base = theirs;
  }

  /** Changes what differs; others' edits are no steps, since undo is of what is done here. */
  private _write(text: string): void {
    const shared = this._context.model.sharedModel;
    const edit = editBetween(this._text, text);
    if (edit) {
      const write = (isUndoable: boolean): void =>
        shared.transact(
          () => shared.updateSource(edit.start, edit.end, edit.text),
          isUndoable
        );
      if (this._own > 0) {
        asOneStep(shared, () => write(true));
      } else {
        write(false);
      }
    }
  }

  private _onSaveState(_: unknown, state: DocumentRegistry.SaveState): void {
    this._isSaving = state === 'started';
    if (state === 'started') {
      this._saved = this._text;
    } else if (state.startsWith('completed')) {
      this._base = this._saved;
      if (!this._context.model.collaborative && this._text !== this._saved) {
        // The lab takes what was typed while it was saving for saved.
        this._context.model.dirty = true;
      }
      this._setConflict(false);
    }
  }

  private get _text(): string {
    return this._context.model.sharedModel.getSource();
  }

  private _setConflict(conflict: boolean): void {
    if (this._conflict !== conflict) {
      this._conflict = conflict;
      this.conflictChanged.emit(conflict);
    }
  }

  /** The text that the file had when it was last read or written here. */
  private _base = '';
  private _saved = '';
  private _conflict = false;
  private _own = 0;
  private _refreshing: Promise<void> | null = null;
  private _isSaving = false;
  private _again = false;
  private _isDisposed = false;
}
