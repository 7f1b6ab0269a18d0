import { Signal } from '@lumino/signaling';
import { useSyncExternalStore } from 'react';

import type { MLWSClient } from '../api/client';

/** A value that views show and commands change. */
export class State<T> {
  constructor(private _value: T) {}

  readonly changed = new Signal<this, T>(this);

  get value(): T {
    return this._value;
  }

  set value(value: T) {
    if (value !== this._value) {
      this._value = value;
      this.changed.emit(value);
    }
  }
}

/** Creates a state that is reset when a different project is selected. */
export function projectState<T>(client: MLWSClient, initial: T): State<T> {
  const state = new State(initial);
  client.projectChanged.connect(() => (state.value = initial));
  return state;
}

/** Returns the value of a state; a change of it renders the component synchronously. */
export function useValue<T>(state: State<T>): T {
  return useSyncExternalStore(
    draw => {
      state.changed.connect(draw);
      return () => void state.changed.disconnect(draw);
    },
    () => state.value
  );
}

/** Returns the set without the item, or with it if it is missing. */
export function toggled<T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(item)) {
    next.add(item);
  }
  return next;
}
