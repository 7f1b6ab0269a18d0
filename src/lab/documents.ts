import {
  Context,
  TextModelFactory,
  type DocumentRegistry,
  type IDocumentWidget
} from '@jupyterlab/docregistry';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { PathExt } from '@jupyterlab/coreutils';
import type { Widget } from '@lumino/widgets';

import type { IProjectInfo } from '../api/models';

/** A text document that a view edits. */
export interface ITextDocument {
  context: DocumentRegistry.Context;
  /** True if no editor of JupyterLab has it open. */
  isOwn: boolean;
  release: () => void;
}

/** Open documents of JupyterLab: saved before a snapshot, reloaded after a restore. */
export class OpenDocuments {
  /** `widgets`: JupyterLab's main area. */
  constructor(
    private _manager: IDocumentManager,
    private _widgets: () => Iterable<Widget>
  ) {}

  /** Saves modified documents; resolves to the paths that could not be saved. */
  async saveAll(): Promise<string[]> {
    const dirty = this._contexts().filter(context => context.model.dirty);
    await Promise.allSettled(dirty.map(context => context.save()));
    return dirty
      .filter(context => context.model.dirty)
      .map(context => context.path);
  }

  /** Loads open documents again after their files were replaced. */
  async reload(project: IProjectInfo, paths: readonly string[]): Promise<void> {
    const changed = new Set(paths.map(path => documentPath(project, path)));
    const stale = this._contexts().filter(context =>
      changed.has(context.localPath)
    );
    await Promise.all(stale.map(context => this._reload(context)));
  }

  /** Reloads documents whose files have changed on disk, except those with unsaved edits. */
  async reloadChanged(): Promise<void> {
    const clean = this._contexts().filter(
      context => context.isReady && !context.model.dirty
    );
    await Promise.all(clean.map(context => this._reloadIfChanged(context)));
  }

  /** Saves a document, and loads others of the same file again. */
  async save(project: IProjectInfo, path: string): Promise<void> {
    const place = documentPath(project, path);
    const dirty = this._contexts().filter(
      ({ localPath, model }) => localPath === place && model.dirty
    );
    await Promise.all(dirty.map(context => context.save()));
    await this.reloadChanged();
  }

  /**
   * Opens a text file for a view, which shares an open document of it.
   *
   * Null if it is open as something else than text.
   */
  async share(
    project: IProjectInfo,
    path: string
  ): Promise<ITextDocument | null> {
    const place = documentPath(project, path);
    const open = this._contexts().find(one => one.localPath === place);
    if (open && !this._users.has(open)) {
      await open.ready;
      const isText = 'ysource' in open.model.sharedModel;
      return isText
        ? { context: open, isOwn: false, release: () => undefined }
        : null;
    }
    const context = open ?? this._openText(place);
    this._users.set(context, (this._users.get(context) ?? 0) + 1);
    await context.ready;
    const release = () => {
      const users = this._users.get(context)! - 1;
      this._users.set(context, users);
      if (users === 0) {
        this._users.delete(context);
        context.dispose();
      }
    };
    return { context, isOwn: true, release };
  }

  open(
    project: IProjectInfo,
    path: string,
    factory?: string
  ): IDocumentWidget | undefined {
    return this._manager.openOrReveal(documentPath(project, path), factory);
  }

  private _openText(path: string): DocumentRegistry.Context {
    const context = new Context({
      manager: this._manager.services,
      factory: new TextModelFactory(),
      path,
      kernelPreference: { shouldStart: false, canStart: false }
    });
    void context.initialize(false);
    return context;
  }

  private async _reload(context: DocumentRegistry.Context): Promise<void> {
    if ((await this._lastModified(context)) !== null) {
      await context.revert();
    }
  }

  private async _reloadIfChanged(
    context: DocumentRegistry.Context
  ): Promise<void> {
    const now = await this._lastModified(context);
    if (now !== null && now !== context.contentsModel?.last_modified) {
      await context.revert();
    }
  }

  /** Returns the modification time of a file; null if it no longer exists. */
  private async _lastModified(
    context: DocumentRegistry.Context
  ): Promise<string | null> {
    try {
      const { contents } = this._manager.services;
      const file = await contents.get(context.path, { content: false });
      return file.last_modified;
    } catch (error) {
      if ((error as { response?: Response }).response?.status === 404) {
        return null;
      }
      throw error;
    }
  }

  private _contexts(): DocumentRegistry.Context[] {
    const contexts = new Set<DocumentRegistry.Context>();
    for (const widget of this._widgets()) {
      const context = this._manager.contextForWidget(widget);
      if (context) {
        contexts.add(context);
      }
    }
    return [...contexts, ...this._users.keys()];
  }

  /** Documents that only views have open, each with the number of these. */
  private _users = new Map<DocumentRegistry.Context, number>();
}

/** The file browser's path of a file of a project. */
export function documentPath(project: IProjectInfo, path: string): string {
  const folder = project.path === '.' ? '' : project.path;
  return PathExt.join(folder, path);
}

/** The path in a project of a file of the file browser; null outside of it. */
export function projectPath(
  project: IProjectInfo,
  path: string
): string | null {
  const folder = documentPath(project, '');
  if (!folder) {
    return path;
  }
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
}
