import { QueryClient, type Query } from '@tanstack/react-query';

/** Creates the cache of responses by path and query; only `refetch` reads them again. */
export function createQueries(
  read: (path: string, query: object) => Promise<unknown>
): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        queryFn: ({ queryKey: [path, query] }) =>
          read(path as string, query as object),
        // Streams report all changes.
        staleTime: Infinity,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retry: false,
        // Jupyter may run on this machine, which may be offline.
        networkMode: 'always'
      },
      mutations: { networkMode: 'always' }
    }
  });
}

/** Request that follows the request in progress, by query. */
const next = new WeakMap<Query, Promise<void>>();

/**
 * Refetches stale responses: at once if a view shows them, else when needed.
 *
 * `isStale`: selects them by their paths. Calls during a request share the next request.
 */
export async function refetch(
  queries: QueryClient,
  isStale: (path: string) => boolean
): Promise<void> {
  const stale = queries
    .getQueryCache()
    .findAll({ predicate: ({ queryKey }) => isStale(queryKey[0] as string) });
  const requests = stale.map(query => {
    const request =
      next.get(query) ??
      Promise.resolve(query.promise)
        .catch(() => undefined)
        .then(() => {
          next.delete(query);
          return queries.invalidateQueries(
            { queryKey: query.queryKey, exact: true },
            { cancelRefetch: false }
          );
        });
    next.set(query, request);
    return request;
  });
  await Promise.all(requests);
}
