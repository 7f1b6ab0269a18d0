import { skipToken, useQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';

import type { APIError } from '../api/client';

/** Last value, and the error of the newest attempt. */
export interface IRead<T> {
  data: T | null;
  error: APIError | null;
}

let reads = 0;

/**
 * Reads data by a function, and again when one of `causes` changes.
 *
 * The last value stays until the next result; null reads nothing.
 */
export function useRead<T>(
  read: (() => Promise<T>) | null,
  causes: readonly unknown[]
): IRead<T> {
  // Causes may be objects, which keys cannot hold.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const count = useMemo(() => (reads += 1), causes);
  const { data, error } = useQuery({
    queryKey: ['read', count],
    queryFn: read ?? skipToken,
    gcTime: 0
  });
  const last = useRef<IRead<T>>({ data: null, error: null });
  if (data !== undefined || error) {
    last.current = { data: data ?? last.current.data, error };
  }
  return last.current;
}
