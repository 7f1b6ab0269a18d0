import { CodeCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { type IEventStream, type MLWSClient, apiError } from '../api/client';
import type {
  IAttachRequest,
  IAttachment,
  ILiveExecution,
  NotebookEvent
} from '../api/models';
import { notifyOnError } from '../lab/notify';
import type { NotebookModel } from './model';
import { ResumedExecution } from './resumedExecution';

/** Pause before everything is read again, in milliseconds: a fast cell overruns the stream. */
const RELOAD_DELAY = 1000;

interface IFollowed {
  future: ResumedExecution;
  cell: CodeCell;
  isOwned: boolean;
}

/**
 * Shows the outputs of cells that a different page runs, or ran before this page was opened.
 *
 * Also of this page after a lost connection. The kernel sends messages to the page of the request;
 * the server keeps them for all others.
 */
export class LiveOutputs implements IDisposable {
  constructor(
    private _panel: NotebookPanel,
    private _model: NotebookModel,
    private _client: MLWSClient
  ) {
    const { sessionContext } = _panel;
    sessionContext.connectionStatusChanged.connect(this._onConnection, this);
    _model.id.changed.connect(this._onOpen, this);
    _model.happened.connect(this._onEvent, this);
    this._onOpen();
  }

  /** Emitted for each cell whose outputs cannot be shown: its code has changed since it ran. */
  get lost(): ISignal<this, string> {
    return this._lost;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      clearTimeout(this._retry);
      this._stream?.dispose();
      this._panel.sessionContext.connectionStatusChanged.disconnect(
        this._onConnection,
        this
      );
      this._model.id.changed.disconnect(this._onOpen, this);
      this._model.happened.disconnect(this._onEvent, this);
      Signal.clearData(this);
    }
  }

  private get _kernel(): Kernel.IKernelConnection | null {
    return this._panel.sessionContext.session?.kernel ?? null;
  }

  private _onConnection(): void {
    if (this._model.isDisposed) {
      // The notebook was renamed and has a new model.
      this.dispose();
    } else if (this._kernel?.connectionStatus === 'connected') {
      // After a lost connection, also cells of this page may have ended unnoticed.
      void this._attach({ isReconnected: this._wasConnected });
      this._wasConnected = true;
    }
  }

  private _onOpen(): void {
    if (!this._wasConnected) {
      this._onConnection();
    }
  }

  private _onEvent(_: NotebookModel, event: NotebookEvent): void {
    const isRunning = event.type === 'execution' && event.status === 'RUNNING';
    if (isRunning && event.origin !== 'api') {
      const cell = this._cell(event.cell);
      const isKnown = this._followed.has(event.execution);
      if (
        cell &&
        !isKnown &&
        futureOf(cell)?.msg.header.msg_id !== event.execution
      ) {
        void this._attach({ isReconnected: false });
      }
    }
  }

  /** Requests missing executions from the server, and follows them. */
  private async _attach(options: { isReconnected: boolean }): Promise<void> {
    const kernel = this._kernel;
    if (!kernel || this._model.id.value === null) {
      this._wasConnected = false;
      return;
    }
    const cells = this._panel.content.widgets;
    const waiting = cells.flatMap(cell => {
      const request = cell instanceof CodeCell ? requestOf(cell) : null;
      return options.isReconnected && request !== null ? [request] : [];
    });
    const attachment = await this._requestAttachment({
      session: kernel.clientId,
      waiting: [...waiting, ...this._followed.keys()]
    });
    if (!attachment || this._isDisposed) {
      return;
    }
    this._stopFollowing();
    for (const execution of attachment.executions) {
      this._show(execution, kernel, options.isReconnected);
    }
    for (const id of attachment.queued) {
      const cell = this._cell(id);
      if (cell && requestOf(cell) === null) {
        cell.setPrompt('*');
        this._queued.add(cell);
      }
    }
    if (this._followed.size > 0) {
      this._stream = this._client.stream(this._model.address('/output'), {
        since: attachment.seq
      });
      this._stream.message.connect((_, event) => this._receive(event));
    }
  }

  private async _requestAttachment(
    body: IAttachRequest
  ): Promise<IAttachment | null> {
    try {
      return await this._client.post(this._model.address('/attach'), body);
    } catch (error) {
      apiError(error);
      // The server or the notebook is gone. The next connection to the kernel requests again.
      return null;
    }
  }

  private _show(
    execution: ILiveExecution,
    kernel: Kernel.IKernelConnection,
    isReconnected: boolean
  ): void {
    const cell = this._cell(execution.cell);
    const isRunning = execution.status === 'RUNNING';
    const isOwn = cell && futureOf(cell)?.msg.header.msg_id === execution.id;
    const isComplete = isOwn && requestOf(cell) === null;
    if (
      (isOwn && !isReconnected) ||
      isComplete ||
      this._isShownByOthers(execution)
    ) {
      return;
    }
    if (!cell || cell.model.sharedModel.getSource() !== execution.source) {
      if (!isRunning) {
        this._lost.emit(execution.cell);
      }
      return;
    }
    const future = new ResumedExecution(
      execution.id,
      kernel.clientId,
      execution.source,
      value =>
        void notifyOnError(() =>
          this._client.post(this._model.address('/input'), { value })
        )
    );
    const followed = { future, cell, isOwned: execution.is_owned };
    const { id } = execution;
    this._queued.delete(cell);
    this._change(followed, () => {
      // As after a run from here: the server runs the kernel, and this is the code that it ran.
      cell.model.trusted = true;
      cell.outputArea.future = future;
      for (const { display_id, ...output } of execution.outputs) {
        const display = typeof display_id === 'string' ? { display_id } : {};
        future.receive({ type: 'output', output, ...display });
      }
      if (execution.clears_next) {
        future.receive({ type: 'clear', wait: true });
      }
      if (isRunning) {
        cell.setPrompt('*');
      } else {
        this._end(followed, execution.execution_count ?? null);
      }
    });
    if (isRunning) {
      this._followed.set(id, followed);
      if (execution.prompt) {
        future.receive({ type: 'input', ...execution.prompt });
      }
    }
  }

  /** True in a shared document while the page that runs the cell is open: it has the outputs. */
  private _isShownByOthers(execution: ILiveExecution): boolean {
    return (
      Boolean(this._panel.context.model.collaborative) && !execution.is_owned
    );
  }

  private _receive(event: NotebookEvent): void {
    if (event.type === 'reset' || event.type === 'limited') {
      this._retry ??= setTimeout(() => {
        this._retry = undefined;
        void this._attach({ isReconnected: false });
      }, RELOAD_DELAY);
    }
    if (!('execution' in event)) {
      return;
    }
    const followed = this._followed.get(event.execution);
    if (!followed || followed.cell.isDisposed || followed.future.isDisposed) {
      // The cell was deleted, or runs again from here.
      this._followed.delete(event.execution);
    } else if (event.type === 'execution') {
      if (event.status !== 'RUNNING') {
        this._followed.delete(event.execution);
        this._change(followed, () =>
          this._end(followed, event.execution_count)
        );
        this._clearQueued(event.status === 'SUCCESS');
      }
    } else if (event.type === 'answered') {
      removeInput(followed.cell);
    } else if (event.type !== 'memory') {
      this._change(followed, () => followed.future.receive(event));
    }
    if (this._followed.size === 0 && this._retry === undefined) {
      this._stopFollowing();
    }
  }

  /** Changes outputs; a page that does not save them is as clean as before. */
  private _change({ isOwned }: IFollowed, change: () => void): void {
    const { model } = this._panel.context;
    const wasDirty = model.dirty;
    change();
    if (!isOwned && !wasDirty) {
      model.dirty = false;
    }
  }

  private _end({ cell, future }: IFollowed, count: number | null): void {
    removeInput(cell);
    future.dispose();
    cell.model.executionCount = count;
    cell.setPrompt(count === null ? '' : String(count));
  }

  /** After a failure the kernel drops the cells that wait. */
  private _clearQueued(isSuccess: boolean): void {
    for (const cell of isSuccess ? [] : this._queued) {
      if (!cell.isDisposed) {
        cell.setPrompt('');
      }
    }
    if (!isSuccess) {
      this._queued.clear();
    }
  }

  private _cell(id: string | null): CodeCell | null {
    const cell = this._panel.content.widgets.find(one => one.model.id === id);
    return cell instanceof CodeCell ? cell : null;
  }

  private _stopFollowing(): void {
    this._stream?.dispose();
    this._stream = null;
    this._followed.clear();
  }

  private _isDisposed = false;
  private _wasConnected = false;
  private _retry: ReturnType<typeof setTimeout> | undefined;
  private _stream: IEventStream<NotebookEvent> | null = null;
  private _followed = new Map<string, IFollowed>();
  private _queued = new Set<CodeCell>();
  private _lost = new Signal<this, string>(this);
}

/** The last execution of a cell that this page itself requested, also after its end. */
function futureOf(cell: CodeCell): Kernel.IShellFuture | null {
  const future = cell.outputArea.future as Kernel.IShellFuture | null;
  return future instanceof ResumedExecution ? null : future;
}

/** The kernel's request whose outputs this page itself waits for in a cell. */
function requestOf(cell: CodeCell): string | null {
  const future = futureOf(cell);
  return future && !future.isDisposed ? future.msg.header.msg_id : null;
}

/** Removes the field of a request for input that was answered elsewhere, or ended. */
function removeInput(cell: CodeCell): void {
  for (const widget of [...cell.outputArea.widgets]) {
    if (widget.hasClass('jp-OutputArea-stdin-item')) {
      widget.dispose();
    }
  }
}
