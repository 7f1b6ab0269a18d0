import type { IDocumentManager } from '@jupyterlab/docmanager';
import {
  Context,
  type DocumentRegistry,
  TextModelFactory
} from '@jupyterlab/docregistry';

import { DiskFollower } from './disk';
import type { ITextEdit } from '../document/textEdits';
import { asOneStep, writeEdits } from './undo';

type TextContext = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/**
 * Parameter and code files of a canvas, as JupyterLab's documents.
 *
 * A file that is open in an editor shares its document.
 */
export class TextFiles {
  constructor(private _manager: IDocumentManager) {}

  dispose(): void {
    this._isDisposed = true;
    for (const { context, follower } of this._own.values()) {
      follower.dispose();
      context.dispose();
    }
    this._own.clear();
  }

  /** Opens the document of a file; rejects if there is none. */
  async open(path: string): Promise<TextContext> {
    const widget = this._manager.findWidget(path);
    const openContext = widget && this._manager.contextForWidget(widget);
    if (openContext) {
      await openContext.ready;
      return openContext as unknown as TextContext;
    }
    const own = this._own.get(path);
    if (own) {
      return own.context;
    }
    const { services } = this._manager;
    const context = new Context({
      manager: services,
      factory: new TextModelFactory(),
      path
    }) as unknown as TextContext & Context<DocumentRegistry.ICodeModel>;
    try {
      await services.contents.get(path, { content: false });
      await context.initialize(false);
      await context.ready;
    } catch (error) {
      context.dispose();
      throw error;
    }
    if (this._isDisposed) {
      context.dispose();
      throw new Error(`${path} is closed.`);
    }
    const follower = new DiskFollower(context, services.contents);
    this._own.set(path, { context, follower });
    return context;
  }

  /** Edits a document as a single step of undo, and saves it. */
  async edit(context: TextContext, edits: readonly ITextEdit[]): Promise<void> {
    const { sharedModel } = context.model;
    asOneStep(sharedModel, () => writeEdits(sharedModel, edits));
    await this.save(context);
  }

  /** Saves a modified document; JupyterLab reports a conflict for two saves at once. */
  async save(context: TextContext): Promise<void> {
    const before = this._saves.get(context);
    const saving = (async () => {
      await before?.catch(() => undefined); // The caller of the save reports it.
      if (!context.isDisposed && context.model.dirty) {
        await context.save();
      }
    })();
    this._saves.set(context, saving);
    await saving;
  }

  /** Reloads files that other programs may have changed. */
  async refresh(): Promise<void> {
    const followers = [...this._own.values()].map(one => one.follower);
    await Promise.all(followers.map(follower => follower.refresh()));
  }

  private _own = new Map<
    string,
    { context: TextContext; follower: DiskFollower }
  >();
  private _saves = new WeakMap<TextContext, Promise<void>>();
  private _isDisposed = false;
}
