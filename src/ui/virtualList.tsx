import {
  defaultRangeExtractor,
  useVirtualizer,
  type Range
} from '@tanstack/react-virtual';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode
} from 'react';

/** Estimated height of an unmeasured row, in pixels. */
const ROW_HEIGHT = 60;
/** Number of rows rendered beyond the viewport, and distance at which more are requested. */
const OVERSCAN = 10;
const ROW_SELECTOR = '[data-mlws-row]';

/**
 * List of any length that renders only the visible rows; their heights may differ.
 *
 * The arrow keys, Home and End move through the elements with `data-mlws-row` of each. One row is
 * the tab stop, so that Tab leaves the list: a long list would load more rows for as long as the
 * user presses Tab.
 */
export function LongList(props: {
  label: string;
  /** The element that scrolls. */
  scroller: HTMLElement;
  /** Identifies the rows, also when others are inserted above them. */
  ids: readonly string[];
  row: (index: number, isTabStop: boolean) => ReactNode;
  /** Called when the end becomes visible. */
  onEnd: () => void;
}): JSX.Element {
  const { ids, scroller, onEnd } = props;
  const list = useRef<HTMLUListElement>(null);
  const [above, setAbove] = useState(0);
  /** The row that had the focus last; it stays drawn. */
  const [focused, setFocused] = useState(0);
  const tabStop = Math.min(focused, ids.length - 1);
  /** The row to focus once it is rendered. */
  const wanted = useRef<number | null>(null);
  const rows = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: index => ids[index],
    overscan: OVERSCAN,
    scrollMargin: above,
    rangeExtractor: useCallback(
      (range: Range) => withRow(defaultRangeExtractor(range), tabStop, range),
      [tabStop]
    )
  });
  const items = rows.getVirtualItems();
  const last = items.length > 0 ? items[items.length - 1].index : -1;

  // The height above the list changes with its filters, and no event reports that;
  // setting the same number again draws nothing.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  useLayoutEffect(() => {
    setAbove(offsetIn(scroller, list.current!));
  });
  useEffect(() => {
    if (last >= 0 && last >= ids.length - OVERSCAN) {
      onEnd();
    }
  }, [last, ids.length, onEnd]);
  useEffect(() => {
    const row =
      wanted.current === null ? null : rowAt(list.current!, wanted.current);
    if (row) {
      wanted.current = null;
      row.focus();
    }
  });

  const walk = (event: KeyboardEvent) => {
    const item = (event.target as HTMLElement).closest<HTMLElement>(
      '[data-index]'
    );
    if (!item || !(event.target as HTMLElement).matches(ROW_SELECTOR)) {
      return;
    }
    const at = Number(item.dataset.index);
    const next: Record<string, number> = {
      ArrowDown: Math.min(at + 1, ids.length - 1),
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: ids.length - 1
    };
    if (event.key in next) {
      event.preventDefault();
      const index = next[event.key];
      const row = rowAt(list.current!, index);
      if (row) {
        row.focus();
      } else {
        wanted.current = index;
        rows.scrollToIndex(index);
      }
    }
  };
  return (
    <ul
      ref={list}
      className="jp-mlws-Rows jp-mlws-LongList"
      aria-label={props.label}
      style={{ height: rows.getTotalSize() }}
      onKeyDown={walk}
      onFocus={event => setFocused(indexOf(event.target))}
    >
      {items.map(({ index, key, start }) => (
        <li
          key={key}
          ref={rows.measureElement}
          data-index={index}
          aria-posinset={index + 1}
          aria-setsize={ids.length}
          style={{ transform: `translateY(${start - above}px)` }}
        >
          {props.row(index, index === tabStop)}
        </li>
      ))}
    </ul>
  );
}

/** Scroll offset of an element's top, in pixels. */
function offsetIn(scroller: HTMLElement, element: HTMLElement): number {
  const top = element.getBoundingClientRect().top;
  const begin = scroller.getBoundingClientRect().top + scroller.clientTop;
  return Math.round(top - begin + scroller.scrollTop);
}

function withRow(indexes: number[], row: number, { count }: Range): number[] {
  return row < 0 || row >= count || indexes.includes(row)
    ? indexes
    : [...indexes, row].sort((one, other) => one - other);
}

function indexOf(element: HTMLElement): number {
  const item = element.closest<HTMLElement>('[data-index]');
  return item ? Number(item.dataset.index) : -1;
}

function rowAt(list: HTMLElement, index: number): HTMLElement | null {
  return list.querySelector<HTMLElement>(
    `[data-index="${index}"] ${ROW_SELECTOR}`
  );
}
