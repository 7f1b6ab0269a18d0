import { QueryClient, type Query } from '@tanstack/react-query';

/** A cache of answers by path and query, which are read again by `refetch` alone. */
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

/** The next reading of an answer that is on its way. */
const next = new WeakMap<Query, Promise<void>>();

/**
 * Reads the answers anew whose path is `isOld`: now where a view shows them, else when one does.
 *
 * Calls while an answer is on its way lead to one more request together.
 */
export async function refetch(
  queries: QueryClient,
  isOld: (path: string) => boolean
): Promise<void> {
  const old = queries
    .getQueryCache()
    .findAll({ predicate: ({ queryKey }) => isOld(queryKey[0] as string) });
  const readings = old.map(query => {
    const reading =
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
    next.set(query, reading);
    return reading;
  });
  await Promise.all(readings);
}
