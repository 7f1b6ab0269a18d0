import { useEffect, useState } from 'react';

import type { MLWSClient, Query } from '../api/client';
import type { Data, PathOf } from '../api/models';

/** Lines that arrive within this are drawn together, in milliseconds. */
const RENDER_DELAY = 50;

interface ILog<L> {
  lines: readonly L[];
  /** False while new lines cannot arrive. */
  connected: boolean;
}

/**
 * Returns the end of a log as read, with lines appended by events.
 *
 * `follow`: returns the lines after an event; only the last `most` are kept.
 */
export function useLog<P extends PathOf<'get'>, L extends { seq: number }>(
  client: MLWSClient,
  end: readonly L[] | undefined,
  stream: P,
  query: Query,
  follow: (lines: readonly L[], event: Data<'get', P>) => readonly L[],
  most: number
): ILog<L> {
  const [log, setLog] = useState<ILog<L>>({ lines: [], connected: false });
  useEffect(() => {
    if (!end) {
      return;
    }
    let lines = end;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const last = end[end.length - 1];
    const events = client.stream(
      stream,
      last ? { ...query, since: last.seq } : query
    );
    const draw = () => setLog({ lines, connected: events.connected });
    const drawSoon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        draw();
      }, RENDER_DELAY);
    };
    events.message.connect((_, event) => {
      lines = follow(lines, event).slice(-most);
      drawSoon();
    });
    events.connectionChanged.connect(drawSoon);
    draw();
    return () => {
      clearTimeout(timer);
      events.dispose();
    };
    // A new query or log has a new end.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, end]);
  return log;
}
