import type {
  IColumnStatistics,
  ITablePage,
  ITableRequest
} from '../../api/models';

/** A page; `column_count` counts also columns that are not in it, and no index. */
export type ISourcePage = ITablePage & { column_count?: number };

/** The server's side of a table: it sorts and filters. */
export interface ITableSource {
  page: (request: ITableRequest) => Promise<ISourcePage>;
  statistics: (column: string) => Promise<IColumnStatistics>;
}

/** Rows of a request. */
export const PAGE_ROWS = 200;
/** Maximum number of cached pages. */
const MAX_PAGES = 60;
/** Maximum number of concurrent requests; of queued requests the newest come first. */
const MAX_REQUESTS = 2;
/** Interval of requests, in milliseconds: dragging a scroll bar passes thousands of pages. */
const REQUEST_INTERVAL = 100;

type Pages = Map<number, readonly (readonly unknown[])[]>;

/** The rows of a table of any length; pages are read when they come into view. */
export class RowPages {
  constructor(
    private _read: (offset: number, limit: number) => Promise<ISourcePage>,
    private _onChange: (page: ISourcePage) => void,
    private _onError: (error: unknown) => void,
    /** Rows of an older version, shown until the new rows are read. */
    older: RowPages | null = null
  ) {
    this._older = new Map([...(older?._older ?? []), ...(older?._pages ?? [])]);
  }

  /** The cells of a row; undefined until they are read. */
  row(index: number): readonly unknown[] | undefined {
    const page = Math.floor(index / PAGE_ROWS);
    return (this._pages.get(page) ?? this._older.get(page))?.[
      index % PAGE_ROWS
    ];
  }

  /** Reads the rows of a range that are not there. */
  request(first: number, last: number): void {
    const pages: number[] = [];
    for (
      let page = Math.floor(first / PAGE_ROWS);
      page <= Math.floor(last / PAGE_ROWS);
      page += 1
    ) {
      if (!this._pages.has(page) && !this._asked.has(page)) {
        pages.push(page);
      }
    }
    // Pages that were scrolled past are not read.
    this._wanted = pages;
    this._next();
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  private _next(): void {
    if (
      this._timer !== undefined ||
      this._isDisposed ||
      this._asked.size >= MAX_REQUESTS ||
      this._wanted.length === 0
    ) {
      return;
    }
    // The pages of a range are read at once.
    while (this._asked.size < MAX_REQUESTS && this._wanted.length > 0) {
      void this._load(this._wanted.shift()!);
    }
    this._timer = setTimeout(() => {
      this._timer = undefined;
      this._next();
    }, REQUEST_INTERVAL);
  }

  private async _load(page: number): Promise<void> {
    this._asked.add(page);
    try {
      const answer = await this._read(page * PAGE_ROWS, PAGE_ROWS);
      if (this._isDisposed) {
        return;
      }
      this._pages.set(page, answer.rows);
      this._older.delete(page);
      if (this._pages.size > MAX_PAGES) {
        this._pages.delete(this._pages.keys().next().value!);
      }
      this._onChange(answer);
    } catch (error) {
      if (!this._isDisposed) {
        this._wanted = [];
        this._onError(error);
      }
    } finally {
      this._asked.delete(page);
    }
    this._next();
  }

  private _pages: Pages = new Map();
  private _older: Pages;
  private _asked = new Set<number>();
  private _wanted: number[] = [];
  private _isDisposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
