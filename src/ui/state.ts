import { Signal } from '@lumino/signaling';
import { useSyncExternalStore } from 'react';

/** What views show and commands change. */
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

/** The value of a state; the component is drawn anew within its change. */
export function useValue<T>(state: State<T>): T {
  return useSyncExternalStore(
    draw => {
      state.changed.connect(draw);
      return () => void state.changed.disconnect(draw);
    },
    () => state.value
  );
}

/** The set with an item that it lacked, or without it. */
export function toggled<T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(item)) {
    next.add(item);
  }
  return next;
}
