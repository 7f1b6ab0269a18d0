import { deepEqual } from '../document/values';

/** Values by key; a listener to a key is called for that key only. */
export class KeyedStore<T> {
  get(key: string): T | undefined {
    return this._values.get(key);
  }

  get entries(): ReadonlyMap<string, T> {
    return this._values;
  }

  set(key: string, value: T): void {
    this._values.set(key, value);
    this._notify(key);
  }

  /** Replaces all values; equal values keep their object, so that nothing is drawn again. */
  replace(values: ReadonlyMap<string, T>): void {
    const before = this._values;
    this._values = new Map(
      [...values].map(([key, value]) => {
        const old = before.get(key);
        return [key, old && deepEqual(old, value) ? old : value];
      })
    );
    for (const key of new Set([...before.keys(), ...values.keys()])) {
      if (before.get(key) !== this._values.get(key)) {
        this._notify(key);
      }
    }
  }

  subscribe(key: string, listener: () => void): () => void {
    const listeners = this._listeners.get(key) ?? new Set();
    listeners.add(listener);
    this._listeners.set(key, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this._listeners.get(key) === listeners) {
        this._listeners.delete(key);
      }
    };
  }

  /** Listens to every key. */
  subscribeAll(listener: () => void): () => void {
    this._all.add(listener);
    return () => this._all.delete(listener);
  }

  private _notify(key: string): void {
    this._listeners.get(key)?.forEach(listener => listener());
    this._all.forEach(listener => listener());
  }

  private _values = new Map<string, T>();
  private _all = new Set<() => void>();
  private _listeners = new Map<string, Set<() => void>>();
}
