import { ISignal, Signal } from '@lumino/signaling';

import type {
  Body,
  Data,
  INodeFailure,
  IProjectInfo,
  PathOf,
  QueryOf
} from './models';
import { language, trans } from '../ui/locale';
import { createQueries, refetch } from './queries';
import { ReconnectingSocket, SharedStream, type IEventStream } from './stream';

export type { IPage } from './models';
export type { IEventStream } from './stream';

/** A server that has the API, and how requests and sockets reach it. */
export interface IServer {
  /** Root URL of the API, for requests and for sockets. */
  readonly baseUrl: string;
  readonly wsUrl: string;
  /** True if resources belong to one of several projects, selected by `?project=`. */
  readonly hasProjects: boolean;
  /** Rejects with a TypeError when nothing answers. */
  request(url: string, init: RequestInit): Promise<Response>;
  connect(url: string): WebSocket;
}

/** Parameters of a query; undefined and null values are left out, lists are repeated. */
export type Query = Record<
  string,
  string | number | boolean | null | undefined | readonly (string | number)[]
>;

/** Failed request; `code` and `solution` are "" if the response is not of the API. */
export class APIError extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: Record<string, unknown>;
  readonly errors: { field: string; message: string }[];
  readonly solution: string;

  constructor(
    status: number,
    body: Partial<INodeFailure> & {
      errors?: { field: string; message: string }[];
    }
  ) {
    super(body.message || `HTTP ${status}`);
    this.name = 'APIError';
    this.status = status;
    this.code = typeof body.code === 'string' ? body.code : '';
    this.details = body.details ?? {};
    this.errors = body.errors ?? [];
    this.solution = body.solution ?? '';
  }
}

/** Returns an error of the API; throws any other error. */
export function apiError(error: unknown): APIError {
  if (!(error instanceof APIError)) {
    throw error;
  }
  return error;
}

/** The message, invalid fields and solution of an error, one per line. */
export function errorText(error: APIError): string {
  const faults = error.errors.map(({ field, message }) =>
    field ? `${field}: ${message}` : message
  );
  return [error.message, ...faults, error.solution].filter(Boolean).join('\n');
}

/** The workflow or project id of a path: JSON pointer's escape, not yet percent-encoded. */
export function escapeId(path: string): string {
  return path.replace(/~/g, '~0').replace(/\//g, '~1');
}

/** Project of a document, and the document's path inside it. */
export interface IPlace {
  /** For `?project=`; undefined for the default project. */
  project?: string;
  path: string;
}

/** The first parts of paths that belong to the server itself, not to a project. */
const SERVER_PATHS = [
  'containers',
  'images',
  'logs',
  'me',
  'notebooks',
  'notices',
  'operations',
  'projects',
  'reference',
  'resources',
  'stale-notebooks',
  'usage',
  'volumes'
];

/** Returns true if a path belongs to the server itself, not to the project that is shown. */
export function isOfServer(path: string): boolean {
  return SERVER_PATHS.includes(path.split('/')[1]);
}

/** The innermost project around a path of the file browser. */
export function projectOf(
  path: string,
  projects: readonly IProjectInfo[]
): IPlace {
  let best: IProjectInfo | null = null;
  let root = '';
  for (const project of projects) {
    const folder = ['.', './'].includes(project.path)
      ? ''
      : project.path.replace(/\/+$/, '');
    const holds = folder === '' || path.startsWith(folder + '/');
    if (holds && (best === null || folder.length > root.length)) {
      best = project;
      root = folder;
    }
  }
  const inside = root === '' ? path : path.slice(root.length + 1);
  return best === null || best.default
    ? { path: inside }
    : { project: best.id, path: inside };
}

const NOT_TRUSTED = '50303';

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: APIError;
  }
}

/** The client of the API, which all views share. */
export class MLWSClient {
  constructor(readonly server: IServer) {}

  /**
   * Asks the user whether to trust the authors of a project.
   *
   * If it is null, requests that need trust fail.
   */
  askTrust: ((project: IProjectInfo) => Promise<boolean>) | null = null;

  /** The responses that views show, by path and query: read once, and again when refreshed. */
  readonly queries = createQueries((path, query) =>
    this._request('GET', path, undefined, query as Query)
  );

  /** True if requests can be sent: a server of projects needs a selected, trusted project. */
  get isReady(): boolean {
    return !this.server.hasProjects || this._project?.trusted === true;
  }

  /** Project of requests and streams by default; null until loaded, and if there is none. */
  get project(): IProjectInfo | null {
    return this._project;
  }

  set project(project: IProjectInfo | null) {
    const before = this._project;
    this._project = project;
    if (before?.id !== project?.id || before?.trusted !== project?.trusted) {
      this._projectChanged.emit(project);
    }
  }

  /** Emitted when a project is selected, or the selected project is trusted. */
  get projectChanged(): ISignal<this, IProjectInfo | null> {
    return this._projectChanged;
  }

  /** The projects as last read. */
  get projects(): readonly IProjectInfo[] {
    return this._projects;
  }

  async show(created: IProjectInfo): Promise<void> {
    const projects = await this.loadProjects();
    this.project = projects.find(one => one.id === created.id) ?? created;
  }

  /** Loads the projects; selects the default project unless the selected project still exists. */
  async loadProjects(): Promise<readonly IProjectInfo[]> {
    this._projects = (await this.get('/projects')).items;
    const same = this._projects.find(one => one.id === this._project?.id);
    this.project =
      same ??
      this._projects.find(one => one.default) ??
      this._projects[0] ??
      null;
    return this._projects;
  }

  /** Lets a project's code run, or no longer. */
  async setTrusted(project: IProjectInfo, trusted: boolean): Promise<void> {
    const query = { project: project.id };
    await (trusted
      ? this.put('/projects/trust', {}, query)
      : this.delete('/projects/trust', query));
    await this.loadProjects();
  }

  /** Resolves the project of a path of the file browser. */
  async place(path: string): Promise<IPlace> {
    return projectOf(path, await this.loadProjects());
  }

  get<P extends PathOf<'get'>>(
    path: P,
    query?: QueryOf<'get', P>
  ): Promise<Data<'get', P>> {
    return this._request('GET', path, undefined, query);
  }

  /** `etag`: as for `put`. */
  post<P extends PathOf<'post'>>(
    path: P,
    body?: Body<'post', P>,
    query?: QueryOf<'post', P>,
    etag?: string
  ): Promise<Data<'post', P>> {
    return this._request('POST', path, body ?? {}, query, etag);
  }

  /** `etag`: fail (412) if the resource has changed since it was read. */
  put<P extends PathOf<'put'>>(
    path: P,
    body: Body<'put', P>,
    query?: QueryOf<'put', P>,
    etag?: string
  ): Promise<Data<'put', P>> {
    return this._request('PUT', path, body, query, etag);
  }

  patch<P extends PathOf<'patch'>>(
    path: P,
    body: Body<'patch', P>
  ): Promise<Data<'patch', P>> {
    return this._request('PATCH', path, body);
  }

  delete<P extends PathOf<'delete'>>(
    path: P,
    query?: QueryOf<'delete', P>
  ): Promise<Data<'delete', P>> {
    return this._request('DELETE', path, undefined, query);
  }

  /** Returns the cached response of a path; fetches it if missing or stale. */
  cached<P extends PathOf<'get'>>(
    path: P,
    query: QueryOf<'get', P> | object = {}
  ): Promise<Data<'get', P>> {
    return this.queries.fetchQuery({ queryKey: [path, query] });
  }

  /** Refetches these paths, and all below: at once if a view shows them, else when needed. */
  refresh(...paths: string[]): Promise<void> {
    return refetch(this.queries, path =>
      paths.some(one => path.startsWith(one))
    );
  }

  /** Opens the event stream of a path; streams of the same path share a socket. Disposable. */
  stream<P extends PathOf<'get'>>(
    path: P,
    query?: Query
  ): IEventStream<Data<'get', P>> {
    const key = path + this._search(query);
    let shared = this._sockets.get(key);
    if (!shared) {
      const isApart = isOfServer(path) || (query && 'project' in query);
      const { server } = this;
      shared = new ReconnectingSocket(
        last =>
          isApart || this.isReady
            ? server.connect(
                this.url(server.wsUrl, path, {
                  ...query,
                  since: last ?? query?.since
                })
              )
            : null,
        () => this._sockets.delete(key)
      );
      if (!isApart) {
        this._projectChanged.connect(shared.startOver, shared);
      }
      this._sockets.set(key, shared);
    }
    return new SharedStream<Data<'get', P>>(shared);
  }

  /** The full address of a path under `base`. */
  url(base: string, path: string, query?: Query): string {
    return base + path + this._search(this._withProject(path, query));
  }

  private _withProject(path: string, query: Query = {}): Query {
    const project = this._project;
    const named = 'project' in query || isOfServer(path);
    return named || !project || project.default
      ? query
      : { ...query, project: project.id };
  }

  private _search(query: Query = {}): string {
    const parts = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && one !== null) {
          parts.append(name, String(one));
        }
      }
    }
    const text = parts.toString();
    return text ? `?${text}` : '';
  }

  /** Sends a request, and once more if the user trusts the project when asked. */
  private async _request<T>(
    method: string,
    path: string,
    body?: unknown,
    query?: Query,
    etag?: string
  ): Promise<T> {
    try {
      return await this._send<T>(method, path, body, query, etag);
    } catch (error) {
      if (
        error instanceof APIError &&
        error.code === NOT_TRUSTED &&
        (await this._becomesTrusted(query))
      ) {
        return this._send<T>(method, path, body, query, etag);
      }
      throw error;
    }
  }

  /** Asks once for each project, however many requests wait. */
  private async _becomesTrusted(query: Query = {}): Promise<boolean> {
    const id = query.project ?? this._project?.id;
    const project = this._projects.find(one => one.id === id);
    if (!project || !this.askTrust) {
      return false;
    }
    let answer = this._trustAnswers.get(project.id);
    if (!answer) {
      answer = this.askTrust(project).then(async trusted => {
        if (trusted) {
          await this.setTrusted(project, true);
        }
        return trusted;
      });
      // If it could not be saved, the next request asks again.
      answer.catch(() => this._trustAnswers.delete(project.id));
      this._trustAnswers.set(project.id, answer);
    }
    return answer;
  }

  private async _send<T>(
    method: string,
    path: string,
    body: unknown,
    query: Query | undefined,
    etag: string | undefined
  ): Promise<T> {
    const headers: Record<string, string> = {
      'Accept-Language': language
    };
    if (etag) {
      headers['If-Match'] = etag;
    }
    const init: RequestInit = {
      method,
      headers,
      // Always revalidates. JupyterLab's "no-store" would add a time stamp to the query, which the
      // API rejects as an unknown parameter.
      cache: 'no-cache'
    };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      headers['Content-Type'] = 'application/json';
    }
    let response: Response;
    try {
      const url = this.url(this.server.baseUrl, path, query);
      response = await this.server.request(url, init);
    } catch (error) {
      if (error instanceof TypeError) {
        throw new APIError(0, {
          message: trans.__("Can't reach the server."),
          solution: trans.__(
            'Check that Jupyter is still running, then try again.'
          )
        });
      }
      throw error;
    }
    return this._unwrap<T>(response);
  }

  private async _unwrap<T>(response: Response): Promise<T> {
    const text = await response.text();
    let body: (Partial<INodeFailure> & { data?: T }) | null = null;
    try {
      body = text ? JSON.parse(text) : {};
    } catch (error) {
      // Proxies and Jupyter's error pages respond in HTML: only the status is reliable.
      if (!(error instanceof SyntaxError)) {
        throw error;
      }
    }
    if (!response.ok || body === null) {
      const { status, statusText } = response;
      const message = trans.__(
        'Unexpected response from the server: %1 %2',
        status,
        statusText
      );
      throw new APIError(status, body ?? { message });
    }
    return body.data as T;
  }

  private _trustAnswers = new Map<string, Promise<boolean>>();
  private _project: IProjectInfo | null = null;
  private _projects: readonly IProjectInfo[] = [];
  private _projectChanged = new Signal<this, IProjectInfo | null>(this);
  private _sockets = new Map<string, ReconnectingSocket>();
}
