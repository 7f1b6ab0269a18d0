import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { MLWSClient } from '../api/client';
import { labServer } from '../lab/server';
import type { IProjectInfo } from '../api/models';
import { setLocale } from '../ui/locale';

/** Partial implementation of an interface, with the members that a test needs. */
export function fake<T>(members: object = {}): T {
  return members as T;
}

/** The network's two ends as the tests hold them: requests answered and sockets played by hand. */
export class Wire {
  requests: {
    method: string;
    url: URL;
    headers: Headers;
    body: Record<string, unknown>;
  }[] = [];
  sockets: PlayedSocket[] = [];
  /** Answers by "METHOD path"; a function sees the request's body and may take its time. */
  answers: Record<string, unknown> = {};

  client(language = 'en', hasProjects = true): MLWSClient {
    const { sockets } = this;
    class Socket extends PlayedSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    }
    const settings = ServerConnection.makeSettings({
      baseUrl: 'http://host/base/',
      wsUrl: 'ws://host/base/',
      token: 'secret',
      appendToken: true,
      fetch: (input, init) => this._fetch(input, init),
      WebSocket: Socket as unknown as typeof WebSocket
    });
    setLocale(language, nullTranslator.load('jupyter_mlws'));
    return new MLWSClient(labServer(settings, hasProjects));
  }

  private async _fetch(
    input: RequestInfo,
    init?: RequestInit
  ): Promise<Response> {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const text = await request.text();
    const body = text ? JSON.parse(text) : undefined;
    this.requests.push({
      method: request.method,
      url,
      headers: request.headers,
      body
    });
    const path = url.pathname.replace('/base/mlws/api/v1', '');
    const answer = this.answers[`${request.method} ${path}`];
    if (answer === undefined) {
      return new Response('<h1>Not Found</h1>', {
        status: 404,
        statusText: 'Not Found'
      });
    }
    const data =
      typeof answer === 'function' ? await answer(body, url) : answer;
    if (data instanceof Response) {
      return data;
    }
    return new Response(JSON.stringify({ code: 200, message: 'OK', data }));
  }
}

/** A failure as the server sends it. */
export function failure(
  status: number,
  code: string,
  message: string,
  details: Record<string, unknown> = {}
): Response {
  const body = {
    code,
    message,
    details,
    errors: [],
    solution: 'Do this.',
    timestamp: ''
  };
  return new Response(JSON.stringify(body), { status });
}

export class PlayedSocket {
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {}

  close(): void {
    this.closed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  break(): void {
    this.onclose?.();
  }
}

export const project: IProjectInfo = {
  id: '.',
  name: 'wine',
  path: '.',
  default: true,
  branch: 'main',
  head: 'a'.repeat(40),
  dvc: true,
  trusted: true
};

/** Lets everything that was promised happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** Lets Lumino, the cache of answers and React come to rest. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    MessageLoop.flush();
    await settle();
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** Shows a view; dispose it at the end. */
export async function show(view: Widget): Promise<HTMLElement> {
  Widget.attach(view, document.body);
  await rest();
  return view.node;
}
