import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState
} from 'react';

import type { ITableFilter, ITablePage } from '../../api/models';
import { cellText } from '../../ui/format';
import { useCanvas } from '../store/hooks';
import { ColumnPane } from './columnPane';
import { RowPages } from './rowPages';
import { parseFilter } from './tableFilter';

/** Pixels. */
const ROW = 24;
const COLUMN = 140;
const HEADER = 58;
/** Browsers draw no higher elements; of more rows the scroll bar has a coarser scale. */
const MAX_HEIGHT = 8_000_000;
/** Rows are drawn for a height of so many pixels at most, whatever the style says. */
const MAX_VIEW = 4000;
/** How long typing must rest before rows are filtered, in milliseconds. */
const REST = 400;

interface ITableProps {
  run: string;
  node: string;
  port: string;
  /** Changes with the content. */
  version: string;
}

/** A table of any length: sorted, filtered and read by page on the server. */
export function DataTable({
  run,
  node,
  port,
  version
}: ITableProps): JSX.Element {
  const { model, trans, language } = useCanvas();
  const [sort, setSort] = useState<{ column: string; down: boolean } | null>(
    null
  );
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [filters, setFilters] = useState<readonly ITableFilter[]>([]);
  const [page, setPage] = useState<ITablePage | null>(null);
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
      REST
    );
    return () => clearTimeout(timer);
  }, [texts]);

  const pages = useMemo(() => {
    const { service } = model.server;
    return new RowPages(
      (offset, limit) =>
        service!.reader.table(run, node, port, {
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
        setError(reason instanceof Error ? reason.message : String(reason))
    );
    // Another version of the content is read again.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [model, run, node, port, version, sort, filters]);
  useEffect(() => {
    pages.request(0, 1);
    return () => pages.dispose();
  }, [pages]);

  if (!page) {
    return <p className="jp-mlws-Empty">{error ?? trans.__('Loading…')}</p>;
  }
  const { columns, row_count: total, match_count: count, truncated } = page;
  return (
    <div className="jp-mlws-DataTable">
      <div className="jp-mlws-Preview-shape" role="status">
        {trans.__(
          'Rows: %1. Columns: %2',
          total.toLocaleString(language),
          columns.length.toLocaleString(language)
        )}
        {count !== total &&
          ` · ${trans.__('Matching: %1', count.toLocaleString(language))}`}
        {truncated &&
          ` · ${trans.__('Only the beginning of this large CSV file is shown. Save it as Parquet to see all of it.')}`}
        {error && <span className="jp-mlws-Field-error"> {error}</span>}
      </div>
      <div className="jp-mlws-DataTable-body">
        <Grid
          key={`${sort?.column} ${sort?.down} ${JSON.stringify(filters)}`}
          columns={columns}
          count={count}
          pages={pages}
          sort={sort}
          texts={texts}
          onSort={column =>
            setSort(
              sort?.column !== column
                ? { column, down: false }
                : sort.down
                  ? null
                  : { column, down: true }
            )
          }
          onFilter={(column, text) => setTexts({ ...texts, [column]: text })}
          onDescribe={column =>
            setDescribed(column === described ? null : column)
          }
        />
        {described !== null && (
          <ColumnPane
            key={described}
            run={run}
            node={node}
            port={port}
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
  sort: { column: string; down: boolean } | null;
  texts: Readonly<Record<string, string>>;
  onSort: (column: string) => void;
  onFilter: (column: string, text: string) => void;
  onDescribe: (column: string) => void;
}): JSX.Element {
  const { trans } = useCanvas();
  const { columns, count, pages, sort } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({
    top: 0,
    left: 0,
    width: 800,
    height: 300
  });
  const height = Math.min(count * ROW, MAX_HEIGHT);
  const isScaled = count * ROW > MAX_HEIGHT;
  const rowsInView = Math.max(1, Math.ceil((view.height - HEADER) / ROW) + 1);
  const lastTop = Math.max(0, count - Math.floor((view.height - HEADER) / ROW));
  const range = Math.max(1, height + HEADER - view.height);
  /** The first row, with its hidden share. */
  const top = isScaled
    ? Math.min(1, view.top / range) * lastTop
    : view.top / ROW;
  const first = Math.min(Math.floor(top), Math.max(0, count - 1));
  const last = Math.min(count - 1, first + rowsInView);
  const firstColumn = Math.floor(view.left / COLUMN);
  const lastColumn = Math.min(
    columns.length,
    firstColumn + Math.ceil(view.width / COLUMN) + 1
  );

  useLayoutEffect(() => {
    const element = scroller.current!;
    const measure = (): void =>
      setView({
        top: element.scrollTop,
        left: element.scrollLeft,
        width: element.clientWidth,
        height: Math.min(element.clientHeight, MAX_VIEW)
      });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  // Where the scroll bar is coarse, a wheel and keys still move by rows.
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

  const visible = columns.slice(firstColumn, lastColumn);
  const place = (index: number): { left: number; width: number } => ({
    left: (firstColumn + index) * COLUMN,
    width: COLUMN
  });
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
        <div className="jp-mlws-Grid-window" style={{ height: view.height }}>
          <div
            className="jp-mlws-Grid-head"
            role="row"
            style={{ height: HEADER }}
          >
            {visible.map(({ name, dtype }, index) => (
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
                style={place(index)}
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
          {Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
            const cells = pages.row(first + index);
            const y = HEADER + (first + index - top) * ROW;
            return (
              <div
                key={first + index}
                className="jp-mlws-Grid-row"
                role="row"
                aria-rowindex={first + index + 1}
                style={{ height: ROW, transform: `translateY(${y}px)` }}
              >
                {visible.map(({ name }, column) => {
                  const value = cells?.[firstColumn + column];
                  return (
                    <div
                      key={name}
                      role="gridcell"
                      aria-colindex={firstColumn + column + 1}
                      className={
                        typeof value === 'number' ? 'jp-mod-number' : ''
                      }
                      style={place(column)}
                    >
                      {cells ? cellText(value) : '…'}
                    </div>
                  );
                })}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
