import type { MLWSClient } from './client';
import type { Data, IPage, PathOf, QueryOf } from './models';

/** The most that the server returns at once. */
const MAX_PAGE_SIZE = 500;

/** Reads the first `count` items of a list. */
export async function readPages<P extends PathOf<'get'>>(
  client: MLWSClient,
  path: P,
  query: QueryOf<'get', P>,
  count = Infinity
): Promise<Data<'get', P>> {
  const items: unknown[] = [];
  let page: IPage<unknown>;
  let cursor: string | null | undefined;
  do {
    const limit = Math.min(count - items.length, MAX_PAGE_SIZE);
    page = (await client.get(path, {
      ...query,
      limit,
      cursor
    })) as IPage<unknown>;
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && items.length < count);
  return { ...page, items } as Data<'get', P>;
}

/** Adds the next page to the `list` of an answer that views show. */
export async function readMore<
  P extends PathOf<'get'>,
  K extends keyof Data<'get', P> & string
>(
  client: MLWSClient,
  path: P,
  query: QueryOf<'get', P>,
  list: K
): Promise<void> {
  type T = { next_cursor: string | null } & Record<K, readonly unknown[]>;
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
