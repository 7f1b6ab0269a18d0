import type { ISharedFile } from '@jupyter/ydoc';
import { Signal } from '@lumino/signaling';

import {
  type IParseError,
  type IWorkflowDocument,
  parse,
  type ParseResult
} from '../document/document';
import { type Edit, EditError } from '../document/edits';
import { reconcile } from '../document/reconcile';
import { applyEdits, editBetween } from '../document/textEdits';
import { deepEqual } from '../document/values';
import type { Refusal } from '../graph/connections';
import { asOneStep, UndoHistory, writeEdits } from './undo';

/** File of the canvas. */
export interface IFile {
  readonly sharedModel: ISharedFile;
  /** Path in JupyterLab, with the project's folder. */
  readonly path: string;
  readonly isDirty: boolean;
  /** True of the text of a past run, which cannot be edited. */
  readonly isReadOnly?: boolean;
  save(): Promise<void>;
  /** Has the server change the file, as a step that can be undone here. */
  asOwn<T>(change: () => Promise<T>): Promise<T>;
}

/** Text of a `dvc.yaml` with its parsed data, edits and history. */
export class DocumentStore {
  constructor(readonly file: IFile) {
    this._shared = file.sharedModel;
    this._shared.changed.connect(this._onText, this);
    this.history.follow(this._shared);
    this._path = file.path;
    this._update(this._parse());
  }

  /** The steps of this file, and of the files of parameters that nodes read. */
  readonly history = new UndoHistory();

  /** The data of the last valid text. */
  get workflow(): IWorkflowDocument {
    return this._workflow;
  }

  /** The error of an invalid text, while `workflow` is of an earlier text. */
  get error(): IParseError | null {
    return this._error;
  }

  get text(): string {
    return this._shared.getSource();
  }

  /** From the project's root. */
  set path(path: string) {
    if (this._path !== path) {
      this._path = path;
      this._update(this._parse());
    }
  }

  /** True if every edit is refused. */
  get isReadOnly(): boolean {
    return this.file.isReadOnly ?? false;
  }

  /** Discards unsaved edits that conflict with the file's changes. */
  get discard(): (() => Promise<void>) | null {
    return this._discard;
  }

  set discard(discard: (() => Promise<void>) | null) {
    this._discard = discard;
    this.changed.emit();
  }

  readonly changed = new Signal<this, void>(this);

  /** Emitted when an edit was refused. */
  readonly refused = new Signal<this, Refusal>(this);

  /** Emitted before the text is read for saving: drafts of forms must be written. */
  readonly flushing = new Signal<this, void>(this);

  dispose(): void {
    this._shared.changed.disconnect(this._onText, this);
    this.history.dispose();
  }

  /** Applies an edit as a single transaction and step of undo. False if nothing changed. */
  edit(change: Edit): boolean {
    if (this._error || this.isReadOnly) {
      return false;
    }
    const { source, data } = this._workflow;
    let target;
    try {
      target = change(this._workflow);
    } catch (error) {
      if (error instanceof EditError) {
        this.refuse({ kind: 'text', node: error.stage });
        return false;
      }
      throw error;
    }
    const edits = reconcile(source, data, target);
    if (edits.length === 0) {
      return false;
    }
    const result = parse(
      applyEdits(this.text, edits),
      this._path,
      this._workflow
    );
    const isTarget =
      result.document &&
      // A change of an anchored value also changes its aliases.
      (source.parts.length === 0 || deepEqual(result.document.data, target));
    if (!isTarget) {
      throw new Error(
        `The edit would break the text: ${JSON.stringify(result.error)}`
      );
    }
    this._own(() => writeEdits(this._shared, edits), result);
    return true;
  }

  /** Replaces the text, as a single step of undo. */
  replace(text: string): void {
    const edit = editBetween(this.text, text);
    if (edit && !this.isReadOnly) {
      this._own(() => writeEdits(this._shared, [edit]));
    }
  }

  refuse(refusal: Refusal): void {
    this.refused.emit(refusal);
  }

  undo(): void {
    this.flush();
    this._own(() => this.history.undo());
  }

  redo(): void {
    this.flush();
    this._own(() => this.history.redo());
  }

  /** Writes the drafts of forms into the text now. */
  flush(): void {
    this.flushing.emit();
  }

  /** Delays `save` until a second file of the workflow is written. */
  waitFor(writing: Promise<unknown>): void {
    const own = writing.finally(() => this._writings.delete(own));
    this._writings.add(own);
  }

  /** Writes drafts into the text, and the text into the file if it differs. */
  async save(): Promise<void> {
    this.flush();
    await Promise.all(this._writings);
    if (this.file.isDirty) {
      await this.file.save();
    }
  }

  /** Changes the text in a single step. */
  private _own(change: () => void, result?: ParseResult): void {
    this._isOwn = true;
    try {
      asOneStep(this._shared, change);
    } finally {
      this._isOwn = false;
    }
    this._update(result ?? this._parse());
  }

  private _onText(_: unknown, change: { sourceChange?: unknown }): void {
    if (change.sourceChange && !this._isOwn) {
      this._update(this._parse());
    }
  }

  private _parse(): ParseResult {
    return parse(this.text, this._path, this._workflow);
  }

  private _update(result: ParseResult): void {
    this._error = result.error;
    this._workflow = result.document ?? this._workflow;
    this.changed.emit();
  }

  private _writings = new Set<Promise<unknown>>();
  private _shared: ISharedFile;
  private _path: string;
  private _workflow: IWorkflowDocument = parse('').document!;
  private _error: IParseError | null = null;
  private _discard: (() => Promise<void>) | null = null;
  private _isOwn = false;
}
