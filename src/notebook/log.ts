import type { IEventStream, IPage, MLWSClient } from '../api/client';
import { LiveModel } from '../api/live';
import type { ILogEntry } from '../api/models';

/** Of a longer log the end is shown. */
const LONGEST = 1000;
const FIRST = 200;

/** Which lines are wanted; "" is all. */
export interface ILogFilter {
  source: string;
  level: string;
  q: string;
}

type LogEvent = { type: 'hello' | 'reset' } | ({ type: 'line' } & ILogEntry);

/** The server's log: its end, then what comes while it is looked at. */
export class LogModel extends LiveModel {
  constructor(client: MLWSClient) {
    super(client);
    // What nodes of workflows wrote is the project's.
    client.projectChanged.connect(this._restart, this);
  }

  get lines(): readonly ILogEntry[] {
    return this._lines;
  }

  get filter(): ILogFilter {
    return this._filter;
  }

  set filter(filter: ILogFilter) {
    this._filter = filter;
    this._restart();
  }

  /** Whether new lines come by themselves. */
  get connected(): boolean {
    return this._stream?.connected ?? false;
  }

  /** Where the lines that are wanted are as a file. */
  get download(): string {
    return this.client.url(
      this.client.server.baseUrl,
      '/logs/download',
      this._query
    );
  }

  dispose(): void {
    this._close();
    super.dispose();
  }

  protected async load(): Promise<void> {
    const query = this._query;
    const page = await this.client.get<IPage<ILogEntry>>('/logs', {
      ...query,
      limit: FIRST
    });
    if (this.isDisposed || query !== this._query) {
      return;
    }
    this._lines = [...page.items].reverse();
    this._close();
    this._stream = this.client.stream<LogEvent>('/logs/local', {
      ...query,
      since: this._lines[this._lines.length - 1]?.seq
    });
    this._stream.message.connect(this._onEvent, this);
    this._stream.connectionChanged.connect(this.changed, this);
  }

  private get _query(): Record<string, string | undefined> {
    const { source, level, q } = this._filter;
    const shown = this.client.project;
    const project = shown?.default ? undefined : shown?.id;
    const key = JSON.stringify([this._filter, project]);
    if (key !== this._key) {
      this._key = key;
      this._asked = {
        source: source || undefined,
        level: level || undefined,
        q: q || undefined,
        project
      };
    }
    return this._asked;
  }

  private _onEvent(_: IEventStream, event: LogEvent): void {
    if (event.type === 'line') {
      this._lines = [...this._lines, event].slice(-LONGEST);
    }
    this.changed();
  }

  /** What is shown stays until the new lines are there, and so does the focus. */
  private _restart(): void {
    this._close();
    this.changed();
    void this.refresh();
  }

  private _close(): void {
    this._stream?.dispose();
    this._stream = null;
  }

  private _filter: ILogFilter = { source: '', level: '', q: '' };
  private _key = '';
  private _asked: Record<string, string | undefined> = {};
  private _lines: readonly ILogEntry[] = [];
  private _stream: IEventStream<LogEvent> | null = null;
}
