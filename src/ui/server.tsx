import {
  useQuery,
  type UseQueryOptions,
  type UseQueryResult
} from '@tanstack/react-query';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { createContext, useContext, type ReactNode } from 'react';

import { isOfServer, type MLWSClient, type Query } from '../api/client';
import { Failure, Waiting } from './errorBox';

/** Whether the view can be seen that a component is part of. */
const Active = createContext(true);

/** Reads a path, and again whenever its answer becomes old, as long as the view can be seen. */
export function useGet<T>(
  client: MLWSClient,
  path: string,
  query: Query = {},
  options: Partial<UseQueryOptions<T>> = {}
): UseQueryResult<T> {
  const active = useContext(Active);
  return useQuery<T>(
    {
      ...options,
      queryKey: [path, query],
      enabled: () =>
        active &&
        options.enabled !== false &&
        (client.isReady || isOfServer(path))
    },
    client.queries
  );
}

/** What a path answered, below why it cannot be read anew; before, that it is awaited. */
export function Answer<T>(props: {
  of: UseQueryResult<T>;
  trans: TranslationBundle;
  children: (data: T) => ReactNode;
}): JSX.Element {
  const { data, error, refetch } = props.of;
  const { trans } = props;
  const retry = () => void refetch();
  if (data === undefined) {
    return <Waiting error={error} trans={trans} onRetry={retry} />;
  }
  return (
    <>
      {error && <Failure error={error} trans={trans} onRetry={retry} />}
      {props.children(data)}
    </>
  );
}

/** A widget that shows what a server has. */
export class ServerView extends ReactWidget {
  constructor(
    private _body: () => JSX.Element,
    ...classes: string[]
  ) {
    super();
    classes.forEach(name => this.addClass(name));
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
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <Active.Provider value={this._active}>{this._body()}</Active.Provider>
    );
  }

  private _active = true;
  private _clock: ReturnType<typeof setInterval>;
}
