import { APIError } from '../api/client';
import { graphRows, type IGraphRow } from './lanes';
import { Details } from '../api/details';
import { WorkspaceModel } from '../api/live';
import type { IPage, ISnapshot, ISnapshotDetail } from '../api/models';

const PAGE = 100;

/** What of history is shown; all that are given must hold. */
export interface IHistoryFilter {
  /** Part of the message. */
  q: string;
  /** Part of the author's name or address. */
  author: string;
  /** Versions that changed this file, under whatever name. */
  path: string;
  /** Of all branches, tags and remotes, not of the current branch alone. */
  all: boolean;
}

const EVERYTHING: IHistoryFilter = { q: '', author: '', path: '', all: false };

/** The snapshots, newest first, as far as they were asked for. */
export class HistoryModel extends WorkspaceModel {
  get items(): readonly ISnapshot[] {
    return this._items;
  }

  /** Whether there are older ones than those in `items`. */
  get hasMore(): boolean {
    return this._cursor !== null;
  }

  get filter(): Readonly<IHistoryFilter> {
    return this._filter;
  }

  /** Whether only some of the snapshots are shown. */
  get isNarrowed(): boolean {
    const { q, author, path } = this._filter;
    return q !== '' || author !== '' || path !== '';
  }

  /** Lines between the items; null where commits are missing between those that are shown. */
  get graph(): readonly IGraphRow[] | null {
    return this.isNarrowed ? null : this._graph;
  }

  /** The expanded snapshots: what they hold, null while it is being read, or why it cannot be. */
  get expanded(): ReadonlyMap<string, ISnapshotDetail | APIError | null> {
    return this._expanded.known;
  }

  /** Shows other snapshots. */
  narrow(filter: Partial<IHistoryFilter>): void {
    this._filter = { ...this._filter, ...filter };
    this._show([], null);
    void this.refresh();
    this.changed();
  }

  /** Reads the next, older page. */
  more(): Promise<void> {
    this._readingMore ??= this._more().finally(() => {
      this._readingMore = null;
    });
    return this._readingMore;
  }

  /** Shows or hides what a snapshot holds. */
  toggle(id: string): Promise<void> {
    return this._expanded.toggle(id);
  }

  protected async load(): Promise<void> {
    const filter = this._filter;
    const page = await this._page();
    if (filter !== this._filter) {
      return; // narrowed meanwhile: another reading follows
    }
    const older = filter.all ? [] : olderThan(page.items, this._items);
    if (older.length === 0) {
      this._show(page.items, page.next_cursor);
    } else {
      this._show([...page.items, ...older], this._cursor);
    }
  }

  protected reset(): void {
    this._show([], null);
    this._filter = EVERYTHING;
    this._expanded.clear();
  }

  private async _more(): Promise<void> {
    const cursor = this._cursor;
    if (cursor === null) {
      return;
    }
    const page = await this._page(cursor);
    if (this._cursor === cursor) {
      this._show([...this._items, ...page.items], page.next_cursor);
      this.changed();
    }
  }

  private _page(cursor?: string): Promise<IPage<ISnapshot>> {
    const { q, author, path, all } = this._filter;
    return this.client.get('/snapshots', {
      limit: PAGE,
      cursor,
      q: q || undefined,
      author: author || undefined,
      path: path || undefined,
      all: all || undefined
    });
  }

  private _show(items: readonly ISnapshot[], cursor: string | null): void {
    this._items = items;
    this._cursor = cursor;
    this._graph = graphRows(items);
  }

  private _items: readonly ISnapshot[] = [];
  private _graph: readonly IGraphRow[] = [];
  private _cursor: string | null = null;
  private _filter = EVERYTHING;
  private _expanded = new Details<ISnapshotDetail>(
    id => this.client.get(`/snapshots/${id}`),
    () => this.changed()
  );
  private _readingMore: Promise<void> | null = null;
}

/** What was read below the first page, where that only has new ones on top. */
function olderThan(
  page: readonly ISnapshot[],
  known: readonly ISnapshot[]
): readonly ISnapshot[] {
  const added = page.findIndex(item => item.id === known[0]?.id);
  const same = page.length - added;
  const goesOn =
    added >= 0 &&
    page.slice(added).every((item, index) => item.id === known[index]?.id);
  return goesOn ? known.slice(same) : [];
}
