import { useEffect, useReducer, useRef } from 'react';

import type { MLWSClient } from '../../api/client';
import type { INotice } from '../../api/models';
import { fullTime, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { useGet } from '../../ui/server';
import { State, toggled, useValue } from '../../ui/state';

const KEY = ['/notices', {}];
const STORAGE_KEY = 'mlws-dismissed-notices';
/** The longest that a browser waits, in milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** Ids of the notices that the user has dismissed in this browser. */
export class DismissedNotices {
  readonly ids = new State<ReadonlySet<string>>(readIds());

  /** Dismisses a notice, and forgets the ids of those that have ended. */
  dismiss(id: string, current: readonly INotice[]): void {
    const known = new Set(current.map(notice => notice.id));
    const before = [...this.ids.value].filter(one => known.has(one));
    this.ids.value = toggled(new Set(before), id);
    localStorage.setItem(STORAGE_KEY, JSON.stringify([...this.ids.value]));
  }
}

function readIds(): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]'));
  } catch {
    // Another program has written it.
    return new Set();
  }
}

/** Follows the user's notices; returns the function that ends it. */
export function followNotices(client: MLWSClient): () => void {
  const events = client.stream('/notices/status');
  events.message.connect((_, event) => {
    if (event.type === 'notices') {
      client.queries.setQueryData(KEY, {
        items: event.items,
        next_cursor: null
      });
    } else {
      void client.refresh('/notices');
    }
  });
  return () => events.dispose();
}

/** The notices that have not ended, newest first; undefined until they were read. */
export function useNotices(client: MLWSClient): readonly INotice[] | undefined {
  const { data } = useGet(client, '/notices');
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const now = Date.now();
  const current = data?.items.filter(
    ({ until }) => until === null || Date.parse(until) > now
  );
  const next = Math.min(
    ...(current ?? []).flatMap(({ until }) =>
      until === null ? [] : [Date.parse(until) - now]
    )
  );
  useEffect(() => {
    if (Number.isFinite(next)) {
      const timer = setTimeout(tick, Math.min(next + 1, MAX_TIMEOUT));
      return () => clearTimeout(timer);
    }
  }, [next]);
  return current;
}

/** The notices that the user has not dismissed, as bars. */
export function NoticeBars(props: {
  client: MLWSClient;
  dismissed: DismissedNotices;
  /** Called with the height of the bars in pixels whenever it changes. */
  onHeight?: (height: number) => void;
}): JSX.Element {
  const { client, dismissed, onHeight } = props;
  const bars = useRef<HTMLDivElement>(null);
  const notices = useNotices(client) ?? [];
  const ids = useValue(dismissed.ids);
  useEffect(() => {
    if (onHeight) {
      const observer = new ResizeObserver(() =>
        onHeight(bars.current!.offsetHeight)
      );
      observer.observe(bars.current!);
      return () => observer.disconnect();
    }
  }, [onHeight]);
  return (
    <div ref={bars} className="jp-mlws-Notices" aria-live="polite">
      {notices
        .filter(({ id }) => !ids.has(id))
        .map(notice => (
          <div
            key={notice.id}
            className={`jp-mlws-Notice jp-mod-${notice.level}`}
            role={notice.level === 'error' ? 'alert' : 'note'}
            data-mlws-notice={notice.id}
          >
            <p>{notice.text}</p>
            <span title={fullTime(notice.created_at)}>
              {notice.author === null
                ? relativeTime(notice.created_at)
                : trans.__(
                    '%1, %2',
                    notice.author,
                    relativeTime(notice.created_at)
                  )}
            </span>
            <button
              className="jp-mod-styled"
              onClick={() => dismissed.dismiss(notice.id, notices)}
            >
              {trans.__('Dismiss')}
            </button>
          </div>
        ))}
    </div>
  );
}
