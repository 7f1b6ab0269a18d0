import { useEffect } from 'react';

import type { MLWSClient } from '../api/client';

/** Changes within this interval are answered once, in milliseconds: many nodes may change at once. */
const DELAY = 500;

/** Calls back after changes of runs and nodes of the project, while it is `enabled`. */
export function useStatusNews(
  client: MLWSClient,
  enabled: boolean,
  onNews: () => void
): void {
  useEffect(() => {
    if (!enabled) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | null = null;
    const events = client.stream('/workflows/status');
    events.message.connect(() => {
      timer ??= setTimeout(() => {
        timer = null;
        onNews();
      }, DELAY);
    });
    return () => {
      clearTimeout(timer ?? undefined);
      events.dispose();
    };
    // A new response has another function of the same request.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, enabled]);
}
