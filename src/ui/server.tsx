import { useQuery, type UseQueryOptions } from '@tanstack/react-query';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import {
  createContext,
  Fragment,
  useContext,
  useRef,
  type ReactNode
} from 'react';

import {
  isOfServer,
  type APIError,
  type IPage,
  type MLWSClient,
  type Query
} from '../api/client';
import { readPages } from '../api/pages';
import { Failure, Waiting } from './errorBox';

/** Whether the view can be seen that a component is part of. */
const Active = createContext(true);

/** Whether the view can be seen: what is not shown follows nothing. */
export function useActive(): boolean {
  return useContext(Active);
}

/** What the server answers at a path. */
export interface IAnswer<T> {
  /** Undefined until read. */
  data: T | undefined;
  /** Why the newest attempt to read failed. */
  error: APIError | null;
  refetch: () => void;
}

interface IGetOptions<T> extends Partial<UseQueryOptions<T>> {
  enabled?: boolean;
  /** Whether another query waits for this one, whose data are shown until that is answered. */
  keeps?: boolean;
}

/** Reads a path, and again whenever its answer becomes old, as long as the view can be seen. */
export function useGet<T>(
  client: MLWSClient,
  path: string,
  query: Query = {},
  { enabled = true, keeps = false, ...options }: IGetOptions<T> = {}
): IAnswer<T> {
  const active = useActive();
  const asked = useRef([path, query] as const);
  const state = client.queries.getQueryState(asked.current);
  // One request at a time: another query waits for the answer to this one.
  if (!keeps || state?.fetchStatus !== 'fetching') {
    asked.current = [path, query];
  }
  const result = useQuery<T>(
    {
      ...options,
      queryKey: asked.current,
      enabled: () => active && enabled && (client.isReady || isOfServer(path)),
      // Also drawn anew when an answer has come that is like the one before.
      notifyOnChangeProps: keeps ? ['data', 'error', 'isFetching'] : undefined
    },
    client.queries
  );
  const { data, error, refetch } = result;
  const last = useRef<T>();
  // Null is an answer, too.
  if (data !== undefined || !keeps) {
    last.current = data;
  }
  return { data: last.current, error, refetch: () => void refetch() };
}

/** Reads a list from its beginning, as far as it was asked for by `readMore`. */
export function usePages<T>(
  client: MLWSClient,
  path: string,
  query: Query & { limit: number },
  options?: IGetOptions<IPage<T>>
): IAnswer<IPage<T>> {
  return useGet<IPage<T>>(client, path, query, {
    queryFn: ({ queryKey }) => {
      const known = client.queries.getQueryData<IPage<T>>(queryKey);
      const count = Math.max(query.limit, known?.items.length ?? 0);
      return readPages<T>(client, path, queryKey[1] as Query, count);
    },
    ...options
  });
}

/** Why some answers cannot be read, each with a way to try again. */
export function Failures(props: {
  of: readonly IAnswer<unknown>[];
  trans: TranslationBundle;
}): JSX.Element {
  return (
    <>
      {props.of.map(
        ({ error, refetch }, index) =>
          error && (
            <Failure
              key={index}
              error={error}
              trans={props.trans}
              onRetry={refetch}
            />
          )
      )}
    </>
  );
}

/** What a path answered, below why it cannot be read anew; before, that it is awaited. */
export function Answer<T>(props: {
  of: IAnswer<T>;
  trans: TranslationBundle;
  children: (data: T) => ReactNode;
}): JSX.Element {
  const { data, error, refetch } = props.of;
  const { trans } = props;
  if (data === undefined) {
    return <Waiting error={error} trans={trans} onRetry={refetch} />;
  }
  return (
    <>
      {error && <Failure error={error} trans={trans} onRetry={refetch} />}
      {props.children(data)}
    </>
  );
}

/** A widget that shows what a server has. */
export class ServerView extends ReactWidget {
  /** `paths`: what it shows, with all that is below. */
  constructor(
    private _client: MLWSClient,
    private _body: () => JSX.Element,
    options: {
      id?: string;
      label?: string;
      className: string;
      paths?: readonly string[];
    }
  ) {
    super();
    this.id = options.id ?? '';
    this.title.label = options.label ?? '';
    options.className.split(' ').forEach(name => this.addClass(name));
    this._paths = options.paths ?? [];
    _client.projectChanged.connect(this.update, this);
    // "2 minutes ago" grows older while nothing else happens.
    this._clock = setInterval(() => this.update(), 60_000);
  }

  /** Whether it can be seen: otherwise it reads nothing, and catches up afterwards. */
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

  /** Reads anew what it shows. */
  refresh(): Promise<void> {
    return this._client.refresh(...this._paths);
  }

  protected render(): JSX.Element {
    return (
      <Active.Provider value={this._active}>
        {/* What was chosen in one project means nothing in another. */}
        <Fragment key={this._client.project?.id}>{this._body()}</Fragment>
      </Active.Provider>
    );
  }

  private _active = true;
  private _paths: readonly string[];
  private _clock: ReturnType<typeof setInterval>;
}
