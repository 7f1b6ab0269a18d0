import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Renders the component again after every signal. */
export function useSignal(...signals: ISignal<unknown, unknown>[]): void {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    signals.forEach(signal => signal.connect(draw));
    return () => signals.forEach(signal => signal.disconnect(draw));
    // The models' signals live as long as the models.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
}
