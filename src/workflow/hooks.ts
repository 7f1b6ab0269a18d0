import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer, useRef, useSyncExternalStore } from 'react';
import type { CatalogStore } from './store/catalog';
import type { DocumentStore } from './store/document';
import type { DrawingStore } from './store/drawing';
import type { KeyedStore } from './store/keyed';
import type { PanesStore } from './store/panes';
import type { IPreferences } from './store/preferences';
import type { RunState } from './store/run';
import type { RunsStore } from './store/runs';
import type { SelectionStore } from './store/selection';

import { useCanvas } from './context';

/** Calls the latest slot at every signal. */
export function useSlot<T>(
  signal: ISignal<object, T>,
  slot: (value: T) => void
): void {
  const latest = useRef(slot);
  latest.current = slot;
  useEffect(() => {
    const call = (_: unknown, value: T): void => latest.current(value);
    signal.connect(call);
    return () => void signal.disconnect(call);
  }, [signal]);
}

/** Subscribes a component to a store. */
function useChanges<T extends { changed: ISignal<object, void> }>(store: T): T {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useSlot(store.changed, draw);
  return store;
}

export function useDocument(): DocumentStore {
  return useChanges(useCanvas().model.document);
}

export function useDrawing(): DrawingStore {
  return useChanges(useCanvas().model.drawing);
}

export function useSelection(): SelectionStore {
  return useChanges(useCanvas().model.selection);
}

export function useCatalog(): CatalogStore {
  return useChanges(useCanvas().model.catalog);
}

export function useRuns(): RunsStore {
  return useChanges(useCanvas().model.runs);
}

/** The user's settings. */
export function usePreferences(): IPreferences {
  return useChanges(useCanvas().preferences).values;
}

export function usePanes(): PanesStore {
  return useChanges(useCanvas().panes);
}

/** The run that colors the graph. */
export function useCurrentRun(): RunState {
  return useChanges(useCanvas().model.runs.current);
}

/** Subscribes a component to the value of a key. */
export function useKeyed<T>(store: KeyedStore<T>, key: string): T | undefined {
  return useSyncExternalStore(
    listener => store.subscribe(key, listener),
    () => store.get(key)
  );
}

/** The present time, updated each second while `isOn`. */
export function useClock(isOn: boolean): number {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = isOn ? setInterval(draw, 1000) : undefined;
    return () => clearInterval(timer);
  }, [isOn]);
  return Date.now();
}

/** The seconds since a time, counting while `isOn`. */
export function useElapsed(started: string | null, isOn: boolean): number {
  const now = useClock(isOn);
  return started ? Math.max(0, (now - Date.parse(started)) / 1000) : 0;
}

/** Commits pending edits before the file is saved, the node deselected or the form closed. */
export function useFlush(commit: () => void): void {
  useSlot(useCanvas().model.document.flushing, commit);
}
