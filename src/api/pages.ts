import type { IPage, MLWSClient, Query } from './client';

/** The most that the server returns at once. */
const LARGEST_PAGE = 500;

/** Reads the first `count` items of a list. */
export async function readPages<T>(
  client: MLWSClient,
  path: string,
  query: Query,
  count = Infinity
): Promise<IPage<T>> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const limit = Math.min(count - items.length, LARGEST_PAGE);
    const page: IPage<T> = await client.get(path, { ...query, limit, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && items.length < count);
  return { items, next_cursor: cursor };
}

/** Adds the next page to the `list` of an answer that views show. */
export async function readMore<
  K extends string,
  T extends { next_cursor: string | null } & Record<K, readonly unknown[]>
>(client: MLWSClient, path: string, query: Query, list: K): Promise<void> {
  const key = [path, query];
  const before = client.queries.getQueryData<T>(key);
  if (!before || before.next_cursor === null) {
    return;
  }
  const next = [path, { ...query, cursor: before.next_cursor }];
  // Calls while the page is on its way share its request.
  const page = await client.queries.fetchQuery<T>({
    queryKey: next,
    staleTime: 0,
    gcTime: 0
  });
  client.queries.setQueryData<T>(key, now =>
    // If the list was read again in the meantime, the page may not follow it.
    now === before ? { ...page, [list]: [...now[list], ...page[list]] } : now
  );
}
