import type { INodeSummary, IWorkflowEvent } from '../../api/models';
import { KeyedStore } from './keyed';
import { FINAL } from './run';
import { coalesce, type ServerLink } from './server';

/** Completions of nodes within this interval share a request, in milliseconds. */
const REFRESH_DELAY = 1000;

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

  /** A single request is in progress at a time; calls during it share the next request. */
  readonly refresh = coalesce(() => {
    clearTimeout(this._timer);
    this._timer = undefined;
    return this._server.ask(
      service => service.results(),
      ({ nodes }) =>
        this.nodes.replace(new Map(nodes.map(node => [node.id, node])))
    );
  });

  private _onMessage(_: unknown, event: IWorkflowEvent): void {
    const isOver = 'status' in event && FINAL.has(event.status);
    if (event.type === 'reset' || (event.type === 'run' && isOver)) {
      void this.refresh();
    } else if (event.type === 'node' && isOver) {
      this._timer ??= setTimeout(() => void this.refresh(), REFRESH_DELAY);
    }
  }

  private _onConnection(_: unknown, isConnected: boolean): void {
    if (isConnected) {
      void this.refresh();
    }
  }

  private _timer: ReturnType<typeof setTimeout> | undefined;
}
