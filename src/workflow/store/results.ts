import type { INodeSummary, IWorkflowEvent } from '../../api/models';
import { deepEqual } from '../document/values';
import { KeyedStore } from './keyed';
import { FINAL } from './run';
import type { ServerLink } from './server';

/** Nodes that end within so many milliseconds lead to one request. */
const REST = 1000;

/** The newest result of each node, read for the whole workflow at once. */
export class ResultsStore {
  constructor(private _server: ServerLink) {
    _server.message.connect(this._onMessage, this);
    _server.connectionChanged.connect(this._onConnection, this);
  }

  /** By the id of the stage; a sweep's is that of its best variant. */
  readonly nodes = new KeyedStore<INodeSummary>();

  dispose(): void {
    clearTimeout(this._timer);
  }

  /** One request is under way at a time; changes meanwhile lead to one more. */
  async refresh(): Promise<void> {
    clearTimeout(this._timer);
    this._timer = undefined;
    if (this._isAsking) {
      this._isStale = true;
      return;
    }
    this._isAsking = true;
    this._isStale = false;
    await this._server.ask(
      service => service.results(),
      results => {
        const before = this.nodes.entries;
        // Only nodes with another result are drawn again.
        this.nodes.replace(
          new Map(
            results.nodes.map(node => {
              const old = before.get(node.id);
              return [node.id, old && deepEqual(old, node) ? old : node];
            })
          )
        );
      }
    );
    this._isAsking = false;
    if (this._isStale && !this._server.isDisposed) {
      await this.refresh();
    }
  }

  private _onMessage(_: unknown, event: IWorkflowEvent): void {
    const isOver = 'status' in event && FINAL.has(event.status);
    if (event.type === 'reset' || (event.type === 'run' && isOver)) {
      void this.refresh();
    } else if (event.type === 'node' && isOver) {
      this._timer ??= setTimeout(() => void this.refresh(), REST);
    }
  }

  private _onConnection(_: unknown, isConnected: boolean): void {
    if (isConnected) {
      void this.refresh();
    }
  }

  private _isAsking = false;
  private _isStale = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
