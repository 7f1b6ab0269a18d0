import { useEffect, useState } from 'react';

import type { MLWSClient, Query } from '../api/client';

/** Lines that come within this are drawn together, in milliseconds. */
const TOGETHER = 50;

interface ILog<L> {
  lines: readonly L[];
  /** Whether new lines come by themselves. */
  connected: boolean;
}

/**
 * The end of a log as it was read, then what comes while it is shown.
 *
 * `follow`: the lines after an event; of more than `most` the last ones are kept.
 */
export function useLog<L extends { seq: number }, E>(
  client: MLWSClient,
  end: readonly L[] | undefined,
  stream: string,
  query: Query,
  follow: (lines: readonly L[], event: E) => readonly L[],
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
    const events = client.stream<E>(
      stream,
      last ? { ...query, since: last.seq } : query
    );
    const draw = () => setLog({ lines, connected: events.connected });
    const drawSoon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        draw();
      }, TOGETHER);
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
    // Another query, or another log, has another end.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, end]);
  return log;
}
