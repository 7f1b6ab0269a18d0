import type { MLWSClient, Query } from '../../api/client';
import type { IPage, ISnapshot } from '../../api/models';

/** Snapshots that are read at once. */
const PAGE_SIZE = 100;

/** Filter of the history; all conditions have to hold. */
export interface IHistoryFilter {
  /** Part of the message. */
  q: string;
  /** Part of the author's name or address. */
  author: string;
  /** Snapshots that changed this file, also under earlier names. */
  path: string;
  /** Of all branches, tags and remotes, not of the current branch alone. */
  all: boolean;
}

export const NO_FILTER: IHistoryFilter = {
  q: '',
  author: '',
  path: '',
  all: false
};

/** The filter as the API takes it. */
export function queryOf({ q, author, path, all }: IHistoryFilter): Query {
  return {
    limit: PAGE_SIZE,
    q: q || undefined,
    author: author || undefined,
    path: path || undefined,
    all: all || undefined
  };
}

/** Reads the newest snapshots, and keeps known older snapshots below them. */
export async function readHistory(
  client: MLWSClient,
  query: Query
): Promise<IPage<ISnapshot>> {
  const page = await client.get('/snapshots', query);
  const key = ['/snapshots', query];
  const before = client.queries.getQueryData<IPage<ISnapshot>>(key);
  const older = before && !query.all ? olderThan(page.items, before.items) : [];
  return older.length === 0
    ? page
    : { ...before!, items: [...page.items, ...older] };
}

/** The subject of a snapshot that a view shows, or else the beginning of its id. */
export function subjectOf(client: MLWSClient, id: string): string {
  const pages = client.queries.getQueriesData<IPage<ISnapshot>>({
    queryKey: ['/snapshots']
  });
  const snapshot = pages
    .flatMap(([, page]) => page?.items ?? [])
    .find(item => item.id === id);
  return snapshot?.subject ?? id.slice(0, 8);
}

/** Known snapshots below the first page, if that has only new ones on top. */
function olderThan(
  page: readonly ISnapshot[],
  before: readonly ISnapshot[]
): readonly ISnapshot[] {
  const added = page.findIndex(item => item.id === before[0]?.id);
  const same = page.length - added;
  const goesOn =
    added >= 0 &&
    page.slice(added).every((item, index) => item.id === before[index]?.id);
  return goesOn ? before.slice(same) : [];
}
