import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState
} from 'react';

import type { ITableFilter, ITablePage } from '../../api/models';
import { cellText } from '../format';
import { language, trans } from '../locale';
import { ColumnPane } from './columnPane';
import { RowPages, type ISourcePage, type ITableSource } from './rowPages';
import { parseFilter } from './tableFilter';
import { Empty } from '../controls';

/** Sizes in pixels. */
const ROW = 24;
const COLUMN = 140;
const HEADER = 58;
/** Browsers draw no higher elements; of more rows the scroll bar has a coarser scale. */
const MAX_HEIGHT = 8_000_000;
/** Rows per block: positions count from the block's start, so that pixel values stay small. */
const BLOCK_ROWS = 1000;
/** Maximum height for which rows are rendered, in pixels. */
const MAX_VIEW_HEIGHT = 4000;
/** Delay of the filter after the last edit, in milliseconds. */
const FILTER_DELAY = 400;

interface ITableProps {
  source: ITableSource;
  /** Changes with the content, which is then read again; until then, the rows stay. */
  version: string;
  /** Explanation of a truncated table. */
  truncatedText: string;
  /** Highlighted row, from 1, to scroll to; null for none. */
  row?: number | null;
}

/** A table of any length: sorted, filtered and read by page on the server. */
export function DataTable(props: ITableProps): JSX.Element {
  const { source, version } = props;
  const [sort, setSort] = useState<{ column: string; down: boolean } | null>(
    null
  );
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [filters, setFilters] = useState<readonly ITableFilter[]>([]);
  const [page, setPage] = useState<ISourcePage | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [described, setDescribed] = useState<string | null>(null);
  const [, draw] = useReducer((count: number) => count + 1, 0);

  useEffect(() => {
    const timer = setTimeout(
      () =>
        setFilters(
          Object.entries(texts).flatMap(
            ([column, text]) => parseFilter(column, text) ?? []
          )
        ),
      FILTER_DELAY
    );
    return () => clearTimeout(timer);
  }, [texts]);

  // The rows of the previous version are shown until those of the new version are read.
  const shown = useRef<{ order: string; pages: RowPages } | null>(null);
  const order = JSON.stringify([sort, filters]);
  const pages = useMemo(() => {
    const before = shown.current?.order === order ? shown.current.pages : null;
    return new RowPages(
      (offset, limit) =>
        source.page({
          offset,
          limit,
          sort: sort?.column ?? null,
          descending: sort?.down ?? false,
          filters: [...filters]
        }),
      answer => {
        setError(null);
        setPage(answer);
        draw();
      },
      reason =>
        setError(reason instanceof Error ? reason.message : String(reason)),
      before
    );
    // A new version of the content is read again.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [source, version, order]);
  shown.current = { order, pages };
  useEffect(() => {
    pages.request(0, 1);
    return () => pages.dispose();
  }, [pages]);

  const onSort = useCallback(
    (column: string) =>
      setSort(before =>
        before?.column !== column
          ? { column, down: false }
          : before.down
            ? null
            : { column, down: true }
      ),
    []
  );
  const onFilter = useCallback(
    (column: string, text: string) =>
      setTexts(before => ({ ...before, [column]: text })),
    []
  );
  const onDescribe = useCallback(
    (column: string) =>
      setDescribed(before => (before === column ? null : column)),
    []
  );

  if (!page) {
    return <Empty>{error ?? trans.__('Loading…')}</Empty>;
  }
  const { columns, row_count: total, match_count: count, truncated } = page;
  return (
    <div className="jp-mlws-DataTable">
      <div className="jp-mlws-Preview-shape" role="status">
        {trans.__(
          'Rows: %1. Columns: %2',
          total.toLocaleString(language),
          (page.column_count ?? columns.length).toLocaleString(language)
        )}
        {count !== total &&
          ` · ${trans.__('Matching: %1', count.toLocaleString(language))}`}
        {truncated && ` · ${props.truncatedText}`}
        {error && <span className="jp-mlws-Field-error"> {error}</span>}
      </div>
      <div className="jp-mlws-DataTable-body">
        <Grid
          key={order}
          columns={columns}
          count={count}
          pages={pages}
          // A new order changes the row at an index.
          mark={sort || filters.length > 0 ? null : (props.row ?? null)}
          sort={sort}
          texts={texts}
          onSort={onSort}
          onFilter={onFilter}
          onDescribe={onDescribe}
        />
        {described !== null && (
          <ColumnPane
            key={described}
            source={source}
            version={version}
            column={described}
            onClose={() => setDescribed(null)}
          />
        )}
      </div>
    </div>
  );
}

function Grid(props: {
  columns: ITablePage['columns'];
  count: number;
  pages: RowPages;
  mark: number | null;
  sort: { column: string; down: boolean } | null;
  texts: Readonly<Record<string, string>>;
  onSort: (column: string) => void;
  onFilter: (column: string, text: string) => void;
  onDescribe: (column: string) => void;
}): JSX.Element {
  const { columns, count, pages, mark, sort, texts } = props;
  const { onSort, onFilter, onDescribe } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 800, height: 300 });
  const [offset, setOffset] = useState({ top: 0, left: 0 });
  const height = Math.min(count * ROW, MAX_HEIGHT);
  const isScaled = count * ROW > MAX_HEIGHT;
  const rowsInView = Math.max(1, Math.ceil((size.height - HEADER) / ROW) + 1);
  const lastTop = Math.max(0, count - Math.floor((size.height - HEADER) / ROW));
  const range = Math.max(1, height + HEADER - size.height);
  /** The first row, with its hidden share. */
  const top = isScaled
    ? Math.min(1, offset.top / range) * lastTop
    : offset.top / ROW;
  const first = Math.min(Math.floor(top), Math.max(0, count - 1));
  const last = Math.min(count - 1, first + rowsInView);
  const firstColumn = Math.floor(offset.left / COLUMN);
  const lastColumn = Math.min(
    columns.length,
    firstColumn + Math.ceil(size.width / COLUMN) + 1
  );

  useLayoutEffect(() => {
    const element = scroller.current!;
    const measure = (): void =>
      setSize({
        width: element.clientWidth,
        height: Math.min(element.clientHeight, MAX_VIEW_HEIGHT)
      });
    // The size is not read while it scrolls: that would be a layout for each frame.
    const onScroll = (): void =>
      setOffset({ top: element.scrollTop, left: element.scrollLeft });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, []);
  useEffect(() => {
    if (mark !== null) {
      const share = Math.min(mark - 1, lastTop) / Math.max(1, lastTop);
      scroller.current!.scrollTop = isScaled
        ? share * range
        : Math.max(0, mark - 3) * ROW;
    }
    // Later scrolling is kept.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [mark]);
  // If the scroll bar is coarse, the wheel and keys still move by rows.
  useEffect(() => {
    const element = scroller.current!;
    if (!isScaled) {
      return;
    }
    const move = (rows: number): void => {
      element.scrollTop += (rows / lastTop) * range;
    };
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && Math.abs(event.deltaY) > Math.abs(event.deltaX)) {
        event.preventDefault();
        move(event.deltaY / ROW);
      }
    };
    const onKey = (event: KeyboardEvent): void => {
      const steps: Record<string, number> = {
        ArrowDown: 1,
        ArrowUp: -1,
        PageDown: rowsInView - 2,
        PageUp: 2 - rowsInView
      };
      if (event.target === element && steps[event.key]) {
        event.preventDefault();
        move(steps[event.key]);
      }
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    element.addEventListener('keydown', onKey);
    return () => {
      element.removeEventListener('wheel', onWheel);
      element.removeEventListener('keydown', onKey);
    };
  }, [isScaled, lastTop, range, rowsInView]);
  useEffect(() => {
    if (count > 0) {
      pages.request(first, last);
    }
  }, [pages, first, last, count]);

  const visible = useMemo(
    () => columns.slice(firstColumn, lastColumn),
    [columns, firstColumn, lastColumn]
  );
  // Rows keep their offset while the base stays; the container moves.
  const base = Math.floor(first / BLOCK_ROWS) * BLOCK_ROWS;
  // Elements are reused: that of a row that left shows the row that entered.
  const pool = rowsInView + 1;
  return (
    <div
      className="jp-mlws-Grid"
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-label={trans.__('Table')}
      aria-rowcount={count}
      aria-colcount={columns.length}
    >
      <div
        className="jp-mlws-Grid-all"
        style={{ height: height + HEADER, width: columns.length * COLUMN }}
      >
        <div className="jp-mlws-Grid-window" style={{ height: size.height }}>
          <Head
            columns={visible}
            firstColumn={firstColumn}
            sort={sort}
            texts={texts}
            onSort={onSort}
            onFilter={onFilter}
            onDescribe={onDescribe}
          />
          <div
            className="jp-mlws-Grid-rows"
            role="rowgroup"
            style={{
              transform: `translateY(${HEADER + (base - top) * ROW}px)`
            }}
          >
            {Array.from({ length: pool }, (_, slot) => {
              const index = first + ((slot - (first % pool) + pool) % pool);
              return (
                index <= last && (
                  <Row
                    key={slot}
                    index={index}
                    isMarked={index + 1 === mark}
                    y={(index - base) * ROW}
                    columns={visible}
                    firstColumn={firstColumn}
                    cells={pages.row(index)}
                  />
                )
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}

/** Header of the columns, with buttons and filters; not rendered when rows scroll. */
const Head = memo(
  (props: {
    columns: ITablePage['columns'];
    firstColumn: number;
    sort: { column: string; down: boolean } | null;
    texts: Readonly<Record<string, string>>;
    onSort: (column: string) => void;
    onFilter: (column: string, text: string) => void;
    onDescribe: (column: string) => void;
  }) => {
    const { columns, firstColumn, sort } = props;
    return (
      <div className="jp-mlws-Grid-head" role="row" style={{ height: HEADER }}>
        {columns.map(({ name, dtype }, index) => (
          <div
            key={name}
            role="columnheader"
            aria-colindex={firstColumn + index + 1}
            aria-sort={
              sort?.column !== name
                ? 'none'
                : sort.down
                  ? 'descending'
                  : 'ascending'
            }
            style={{ left: (firstColumn + index) * COLUMN, width: COLUMN }}
          >
            <div className="jp-mlws-Grid-name">
              <button
                title={trans.__('Sort by %1', name)}
                onClick={() => props.onSort(name)}
              >
                {name}
                {sort?.column === name &&
                  (sort.down ? (
                    <caretDownIcon.react tag="span" />
                  ) : (
                    <caretUpIcon.react tag="span" />
                  ))}
              </button>
              <button
                className="jp-mlws-Grid-describe"
                title={trans.__('Statistics of %1', name)}
                aria-label={trans.__('Statistics of %1', name)}
                onClick={() => props.onDescribe(name)}
              >
                Σ
              </button>
            </div>
            <span className="jp-mlws-Table-dtype">{dtype}</span>
            <input
              className="jp-mod-styled"
              aria-label={trans.__('Filter %1', name)}
              placeholder={trans.__('Filter')}
              title={trans.__(
                'A part of the value, or > 13, <= 5, = red, empty'
              )}
              value={props.texts[name] ?? ''}
              onChange={event => props.onFilter(name, event.target.value)}
            />
          </div>
        ))}
      </div>
    );
  }
);

/** A row at a place, which is drawn again with its cells only. */
const Row = memo(
  (props: {
    index: number;
    y: number;
    columns: ITablePage['columns'];
    firstColumn: number;
    /** Undefined until they are read. */
    cells: readonly unknown[] | undefined;
    isMarked: boolean;
  }) => {
    const { index, y, columns, firstColumn, cells, isMarked } = props;
    return (
      <div
        className={`jp-mlws-Grid-row${isMarked ? ' jp-mod-marked' : ''}`}
        role="row"
        aria-selected={isMarked || undefined}
        aria-rowindex={index + 1}
        style={{ height: ROW, transform: `translateY(${y}px)` }}
      >
        {columns.map((_, column) => {
          const value = cells?.[firstColumn + column];
          return (
            <div
              key={column}
              role="gridcell"
              aria-colindex={firstColumn + column + 1}
              className={typeof value === 'number' ? 'jp-mod-number' : ''}
              style={{ left: (firstColumn + column) * COLUMN, width: COLUMN }}
            >
              {cells ? cellText(value) : '…'}
            </div>
          );
        })}
      </div>
    );
  }
);
