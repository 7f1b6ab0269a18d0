import { APIError } from '../api';
import { WorkspaceModel } from '../live';
import type { IPage, ISnapshot, ISnapshotDetail } from '../models';

const PAGE = 30;
const LARGEST_PAGE = 500;

/** The snapshots, newest first, as far as they were asked for. */
export class HistoryModel extends WorkspaceModel {
  get items(): readonly ISnapshot[] {
    return this._items;
  }

  /** Whether there are older ones than those in `items`. */
  get hasMore(): boolean {
    return this._cursor !== null;
  }

  /** What the subjects are searched for; "" for all. */
  get filter(): string {
    return this._filter;
  }

  set filter(filter: string) {
    if (filter !== this._filter) {
      this._filter = filter;
      this._items = this._items.slice(0, PAGE);
      void this.refresh();
      this.changed();
    }
  }

  /** The expanded snapshots: what they hold, null while it is being read, or why it cannot be. */
  get expanded(): ReadonlyMap<string, ISnapshotDetail | APIError | null> {
    return this._expanded;
  }

  /** Reads the next, older page. */
  async more(): Promise<void> {
    const cursor = this._cursor;
    if (cursor === null) {
      return;
    }
    const page = await this._page({ limit: PAGE, cursor });
    if (this._cursor === cursor) {
      this._items = [...this._items, ...page.items];
      this._cursor = page.next_cursor;
      this.changed();
    }
  }

  /** Shows or hides what a snapshot holds. */
  async toggle(id: string): Promise<void> {
    if (this._expanded.delete(id)) {
      this.changed();
      return;
    }
    this._expanded.set(id, null);
    this.changed();
    let detail: ISnapshotDetail | APIError;
    try {
      detail = await this.client.get<ISnapshotDetail>(`/snapshots/${id}`);
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      detail = error;
    }
    if (this._expanded.has(id)) {
      this._expanded.set(id, detail);
      this.changed();
    }
  }

  protected async load(): Promise<void> {
    const limit = Math.min(Math.max(PAGE, this._items.length), LARGEST_PAGE);
    const page = await this._page({ limit });
    this._items = page.items;
    this._cursor = page.next_cursor;
  }

  protected reset(): void {
    this._items = [];
    this._cursor = null;
    this._filter = '';
    this._expanded.clear();
  }

  private _page(query: {
    limit: number;
    cursor?: string;
  }): Promise<IPage<ISnapshot>> {
    return this.client.get('/snapshots', {
      ...query,
      q: this._filter || undefined
    });
  }

  private _items: readonly ISnapshot[] = [];
  private _cursor: string | null = null;
  private _filter = '';
  private _expanded = new Map<string, ISnapshotDetail | APIError | null>();
}
