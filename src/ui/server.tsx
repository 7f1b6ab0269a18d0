import {
  QueryClientProvider,
  useQuery,
  type UseQueryOptions
} from '@tanstack/react-query';
import { ReactWidget } from '@jupyterlab/ui-components';
import {
  createContext,
  Fragment,
  useContext,
  useRef,
  type ReactNode
} from 'react';
import { isOfServer, type APIError, type MLWSClient } from '../api/client';
import type { Data, IPage, PathOf, QueryOf } from '../api/models';
import { readPages } from '../api/pages';
import { Failure, Waiting } from './errorBox';
import { setHelpPage } from './helpLink';
import { ViewActions, ViewActionsContext } from './viewActions';

/** False in a view that is hidden. */
const Active = createContext(true);

/** Returns false in a hidden view, which must not read or follow anything. */
export function useActive(): boolean {
  return useContext(Active);
}

/** The response to a path. */
export interface IAnswer<T> {
  /** Undefined until read. */
  data: T | undefined;
  /** The error of the newest request, if it failed. */
  error: APIError | null;
  refetch: () => void;
}

interface IGetOptions<T> extends Partial<UseQueryOptions<T>> {
  enabled?: boolean;
  /** Sends a new query after the response to the previous query, whose data stay until then. */
  keepPrevious?: boolean;
}

/** Reads a path, and again whenever the response is stale, as long as the view is not hidden. */
export function useGet<P extends PathOf<'get'>, T = Data<'get', P>>(
  client: MLWSClient,
  path: P,
  query: QueryOf<'get', P> | object = {},
  { enabled = true, keepPrevious = false, ...options }: IGetOptions<T> = {}
): IAnswer<T> {
  const active = useActive();
  const key = useRef([path, query] as const);
  const state = client.queries.getQueryState(key.current);
  if (!keepPrevious || state?.fetchStatus !== 'fetching') {
    key.current = [path, query];
  }
  const result = useQuery<T>(
    {
      ...options,
      queryKey: key.current,
      enabled: () => active && enabled && (client.isReady || isOfServer(path)),
      // `isFetching`: a response that equals the previous one lets the next query start, too.
      notifyOnChangeProps: keepPrevious
        ? ['data', 'error', 'isFetching']
        : undefined
    },
    client.queries
  );
  const { data, error, refetch } = result;
  // Not React Query's `placeholderData`, which is dropped when a query fails.
  const previous = useRef<T>();
  // Null is a response, too.
  if (data !== undefined || !keepPrevious) {
    previous.current = data;
  }
  return { data: previous.current, error, refetch: () => void refetch() };
}

/** Reads a list from its beginning, with all pages that `readMore` has added. */
export function usePages<P extends PathOf<'get'>>(
  client: MLWSClient,
  path: P,
  query: QueryOf<'get', P> & { limit: number },
  options?: IGetOptions<Data<'get', P>>
): IAnswer<Data<'get', P>> {
  return useGet(client, path, query, {
    queryFn: ({ queryKey }) => {
      const before = client.queries.getQueryData<IPage<unknown>>(queryKey);
      const count = Math.max(query.limit, before?.items.length ?? 0);
      return readPages(client, path, queryKey[1] as QueryOf<'get', P>, count);
    },
    ...options
  });
}

/** The errors of some responses, each with a button to try again. */
export function Failures(props: {
  of: readonly IAnswer<unknown>[];
}): JSX.Element {
  return (
    <>
      {props.of.map(
        ({ error, refetch }, index) =>
          error && <Failure key={index} error={error} onRetry={refetch} />
      )}
    </>
  );
}

/** Draws the data of a response below its error; before there are data, that they are loading. */
export function Answer<T>(props: {
  of: IAnswer<T>;
  children: (data: T) => ReactNode;
}): JSX.Element {
  const { data, error, refetch } = props.of;
  if (data === undefined) {
    return <Waiting error={error} onRetry={refetch} />;
  }
  return (
    <>
      {error && <Failure error={error} onRetry={refetch} />}
      {props.children(data)}
    </>
  );
}

/** A widget that shows responses of the server. */
export class ServerView extends ReactWidget {
  /**
   * `paths`: are read again by `refresh`, with all below them; `help`: the page of the reference
   * about the view.
   */
  constructor(
    private _client: MLWSClient,
    private _body: () => JSX.Element,
    options: {
      id?: string;
      label?: string;
      className: string;
      paths?: readonly string[];
      help?: string;
      caption?: string;
    }
  ) {
    super();
    this.id = options.id ?? '';
    this.title.label = options.label ?? '';
    this.title.caption = options.caption ?? '';
    options.className.split(' ').forEach(name => this.addClass(name));
    this._paths = options.paths ?? [];
    if (options.help) {
      setHelpPage(this, options.help);
    }
    _client.projectChanged.connect(this.update, this);
    // "2 minutes ago" grows older while nothing else happens.
    this._clock = setInterval(() => this.update(), 60_000);
  }

  /** The buttons in the toolbar of its tab. */
  readonly actions = new ViewActions();

  /** False while it is hidden: then it reads nothing, and reads stale responses afterwards. */
  get active(): boolean {
    return this._active;
  }

  set active(active: boolean) {
    if (active !== this._active) {
      this._active = active;
      this.update();
    }
  }

  dispose(): void {
    clearInterval(this._clock);
    this._client.projectChanged.disconnect(this.update, this);
    super.dispose();
  }

  /** Reads its paths again. */
  refresh(): Promise<void> {
    return this._client.refresh(...this._paths);
  }

  protected render(): JSX.Element {
    return (
      <Active.Provider value={this._active}>
        <ViewActionsContext.Provider value={this.actions}>
          {/* State of a project is invalid in other projects. */}
          <Fragment key={this._client.project?.id}>
            <QueryClientProvider client={this._client.queries}>
              {this._body()}
            </QueryClientProvider>
          </Fragment>
        </ViewActionsContext.Provider>
      </Active.Provider>
    );
  }

  private _active = true;
  private _paths: readonly string[];
  private _clock: ReturnType<typeof setInterval>;
}
