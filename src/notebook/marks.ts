import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';

import { fullTime } from '../ui/format';
import { trans } from '../ui/locale';
import type { NotebookModel } from './model';
import { markText } from './labels';

const MARK = 'jp-mlws-CellMark';

/** Shows below each code cell how its newest execution ended; a click shows its history. */
export class CellMarks implements IDisposable {
  constructor(
    private _panel: NotebookPanel,
    private _model: NotebookModel,
    private _onClick: (cell: string) => void
  ) {
    _model.cells.changed.connect(this._draw, this);
    _panel.content.modelContentChanged.connect(this._draw, this);
    this._draw();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._model.cells.changed.disconnect(this._draw, this);
      if (!this._panel.isDisposed) {
        this._panel.content.modelContentChanged.disconnect(this._draw, this);
        this._panel.content.node
          .querySelectorAll(`.${MARK}`)
          .forEach(mark => mark.remove());
      }
    }
  }

  private _draw(): void {
    for (const cell of this._panel.content.widgets) {
      if (cell.model.type === 'code') {
        this._mark(cell);
      }
    }
  }

  private _mark(cell: Cell): void {
    const execution = this._model.cells.value.get(cell.model.id);
    let mark = cell.node.querySelector<HTMLButtonElement>(`:scope > .${MARK}`);
    if (!execution) {
      mark?.remove();
      return;
    }
    if (!mark) {
      mark = document.createElement('button');
      mark.className = MARK;
      mark.type = 'button';
      mark.onclick = () => this._onClick(cell.model.id);
      cell.node.appendChild(mark);
    }
    const text = markText(execution);
    mark.textContent = text;
    mark.dataset.mlwsState = execution.status;
    const when = execution.started ? fullTime(execution.started) : '';
    mark.title = trans.__('%1. Show the history of this cell', when);
    mark.setAttribute('aria-label', `${text}. ${mark.title}`);
  }

  private _isDisposed = false;
}
