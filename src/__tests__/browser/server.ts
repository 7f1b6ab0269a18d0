import { ServerConnection } from '@jupyterlab/services';

import { PlayedSocket } from '../server';

/** Replies of a real server, as `tests/ui/test_recordings.py` has recorded them. */
export interface IRecording {
  /** The texts of files, by their paths. */
  files: Record<string, string>;
  replies: { path: string; body: object | null; data: unknown }[];
}

const BASE = 'http://jupyter/';
const API = '/mlws/api/v1/';
const CONTENTS = '/api/contents/';

/**
 * Jupyter server with files in memory and the recorded replies of the API.
 *
 * Requests without a recorded reply stay pending, as on a busy server.
 */
export class RecordedServer {
  constructor(recording: IRecording) {
    this.files = new Map(Object.entries(recording.files));
    for (const { path, body, data } of recording.replies) {
      this._replies.set(keyOf(path, body), data);
    }
  }

  readonly files: Map<string, string>;
  /** Requests without an answer, as "path body". */
  readonly unanswered: string[] = [];
  readonly sockets: PlayedSocket[] = [];

  /** Replies to a request that is not recorded. */
  reply(path: string, body: object | null, data: unknown): void {
    this._replies.set(keyOf(path, body), data);
  }

  /** Writes a file as a second program would, and sends the workspace's event. */
  write(path: string, text: string): void {
    this._saves += 1;
    this.files.set(path, text);
    const event = { type: 'workspace', areas: ['changes'], paths: [path] };
    for (const socket of this.sockets) {
      if (socket.url.includes('/workspace/status')) {
        socket.say({ ...event, seq: this._saves });
      }
    }
  }

  settings(): ServerConnection.ISettings {
    const { sockets } = this;
    class Socket extends PlayedSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
        setTimeout(() => this.say({ type: 'hello', seq: 0 }));
      }
    }
    return ServerConnection.makeSettings({
      baseUrl: BASE,
      wsUrl: BASE.replace('http', 'ws'),
      token: '',
      fetch: (input, init) => this._fetch(new Request(input, init)),
      WebSocket: Socket as unknown as typeof WebSocket
    });
  }

  private async _fetch(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const body = text ? JSON.parse(text) : null;
    if (pathname.startsWith(API)) {
      const key = keyOf(
        decodeURIComponent(pathname.slice(API.length)) + search,
        body
      );
      const data = this._replies.get(key);
      if (data === undefined) {
        this.unanswered.push(key);
        return new Promise(() => undefined);
      }
      return Response.json({ code: 200, message: 'OK', data });
    }
    if (pathname.startsWith(CONTENTS)) {
      const path = decodeURIComponent(pathname.slice(CONTENTS.length));
      return this._contents(request.method, path, body);
    }
    return Response.json([]);
  }

  /** The part of Jupyter's API of contents that texts need. */
  private _contents(
    method: string,
    path: string,
    body: { content?: string } | null
  ): Response {
    if (path.endsWith('/checkpoints')) {
      const checkpoint = { id: 'checkpoint', last_modified: this._modified() };
      return method === 'POST'
        ? Response.json(checkpoint, { status: 201 })
        : Response.json([]);
    }
    if (method === 'PUT') {
      this._saves += 1;
      this.files.set(path, body?.content ?? '');
    }
    const content = this.files.get(path);
    if (content === undefined) {
      return Response.json({ message: 'Not found' }, { status: 404 });
    }
    return Response.json({
      name: path.split('/').pop(),
      path,
      type: 'file',
      format: 'text',
      mimetype: 'text/plain',
      writable: true,
      created: this._modified(),
      last_modified: this._modified(),
      size: content.length,
      content
    });
  }

  private _modified(): string {
    return new Date(Date.UTC(2026, 0, 1) + this._saves).toISOString();
  }

  private _saves = 0;
  private _replies = new Map<string, unknown>();
}

function keyOf(path: string, body: object | null): string {
  return body && Object.keys(body).length > 0
    ? `${path} ${JSON.stringify(body)}`
    : path;
}
