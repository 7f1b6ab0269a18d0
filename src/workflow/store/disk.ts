import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { mergeTexts } from '../document/diff';
import { editBetween } from '../document/textEdits';
import { readFile } from './labInternals';
import { asOneStep } from './undo';

type Context = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/**
 * Synchronizes a document with its file, which other programs may change.
 *
 * Without unsaved edits the file's text replaces the document's. With unsaved edits both are
 * merged; on a conflict nothing changes and `conflict` is set, for the user to decide.
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

  /** Reads the file if it changed; calls during a read share the next read. */
  refresh(): Promise<void> {
    this._again = true;
    this._refreshing ??= this._refreshAll().finally(() => {
      this._refreshing = null;
    });
    return this._refreshing;
  }

  /** Requests a change of the file by the server, which becomes a step of the history. */
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

  /** Replaces the unsaved edits by the file's content. */
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
      // The server synchronizes such a document.
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
        return; // The file was deleted: the document can be saved again.
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
      // JupyterLab's models contain line feeds only, and restore the file's line ends when saving.
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
      // Keeps edits made while the file was read.
      const result = mergeTexts(this._text, isDirty ? base : ours, read);
      isLost = result === null;
      return result ?? this._text;
    });
    this._setConflict(isLost);
  }

  /** Reads the file; `take` returns the new text of the document. */
  private async _read(take: (theirs: string) => string): Promise<void> {
    let theirs = this._text;
    await readFile(this._context, text => {
      theirs = text;
      this._write(take(text));
    });
    // JupyterLab marks a text as modified when it was just read.
    this._context.model.dirty = this._text !== theirs;
    this._base = theirs;
  }

  /** Writes the difference; external changes are not steps of undo. */
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
        // JupyterLab marks edits made during a save as saved.
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
