import { CodeCell } from '@jupyterlab/cells';
import type { IOutput } from '@jupyterlab/nbformat';
import {
  NotebookActions,
  type INotebookTracker,
  type NotebookPanel
} from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import type { MLWSClient } from '../api/client';
import { NotebookModel } from './model';

/** Open notebooks with their models, and the current notebook. */
export class OpenNotebooks {
  constructor(
    private _client: MLWSClient,
    private _tracker: INotebookTracker
  ) {
    _tracker.widgetAdded.connect((_, panel) => this._add(panel));
    _tracker.forEach(panel => this._add(panel));
    _tracker.currentChanged.connect(() => this._currentChanged.emit());
  }

  /** The current notebook with its model; null if there is none. */
  get current(): { panel: NotebookPanel; model: NotebookModel } | null {
    const panel = this._tracker.currentWidget;
    const model = panel && this._models.get(panel);
    return panel && model ? { panel, model } : null;
  }

  find(path: string): { panel: NotebookPanel; model: NotebookModel } | null {
    for (const [panel, model] of this._models) {
      if (model.path === path) {
        return { panel, model };
      }
    }
    return null;
  }

  /** Emitted when the current notebook changes, or gets its model. */
  get currentChanged(): ISignal<this, void> {
    return this._currentChanged;
  }

  /** Emitted for each notebook that is opened or renamed. */
  get opened(): ISignal<this, [NotebookPanel, NotebookModel]> {
    return this._opened;
  }

  /** Shows a cell and puts the cursor there; `line` counts from 1. */
  jump(panel: NotebookPanel, cell: string, line: number | null): void {
    const notebook = panel.content;
    const index = notebook.widgets.findIndex(one => one.model.id === cell);
    if (index < 0) {
      return;
    }
    notebook.activeCellIndex = index;
    notebook.deselectAll();
    const found = notebook.widgets[index];
    void notebook.scrollToItem(index).then(() => {
      notebook.mode = 'edit';
      found.editor?.setCursorPosition({
        line: Math.max(0, (line ?? 1) - 1),
        column: 0
      });
      found.editor?.focus();
    });
  }

  /** Reruns a cell with its dependencies (from the history), in order. */
  async runUpTo(
    panel: NotebookPanel,
    model: NotebookModel,
    cell: string
  ): Promise<void> {
    // The history names cells of the saved document.
    await panel.context.save();
    const notebook = panel.content;
    const needed = await model.needs(cell);
    const found = needed.flatMap(
      id => notebook.widgets.find(one => one.model.id === id) ?? []
    );
    for (const one of found) {
      const well = await NotebookActions.runCells(
        notebook,
        [one],
        panel.sessionContext
      );
      if (!well) {
        return;
      }
    }
  }

  /**
   * Takes over outputs that a call of the API has saved; edits that are not saved yet stay.
   *
   * Whether there are such edits: then the document here is newer and older at once.
   */
  async takeOutputs(
    panel: NotebookPanel,
    model: NotebookModel,
    cells: readonly string[]
  ): Promise<boolean> {
    if (!panel.context.model.dirty) {
      await panel.context.revert();
      return false;
    }
    const saved = new Map((await model.saved()).map(one => [one.id, one]));
    for (const cell of panel.content.widgets) {
      const found = saved.get(cell.model.id);
      if (cell instanceof CodeCell && found && cells.includes(found.id)) {
        cell.model.outputs.fromJSON(found.outputs as unknown as IOutput[]);
        cell.model.executionCount = found.execution_count;
      }
    }
    return true;
  }

  private _add(panel: NotebookPanel): void {
    const follow = () => {
      this._models.get(panel)?.dispose();
      const path = panel.context.localPath;
      const model = new NotebookModel(this._client, path);
      this._models.set(panel, model);
      this._opened.emit([panel, model]);
      this._currentChanged.emit();
    };
    void panel.context.ready.then(() => {
      if (panel.isDisposed) {
        return;
      }
      follow();
      panel.context.pathChanged.connect(follow);
      panel.disposed.connect(() => {
        this._models.get(panel)?.dispose();
        this._models.delete(panel);
        this._currentChanged.emit();
      });
    });
  }

  private _models = new Map<NotebookPanel, NotebookModel>();
  private _currentChanged = new Signal<this, void>(this);
  private _opened = new Signal<this, [NotebookPanel, NotebookModel]>(this);
}
