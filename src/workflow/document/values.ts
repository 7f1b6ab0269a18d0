/** A value of `dvc.yaml`, as JSON. Values are never changed in place: equal parts stay the same. */
export type Value =
  string | number | boolean | null | Value[] | { [key: string]: Value };

export type Data = { [key: string]: Value };

export function isRecord(value: unknown): value is Data {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Are two values of JSON the same, in whatever order their keys are? */
export function deepEqual(one: unknown, other: unknown): boolean {
  if (
    one === other ||
    typeof one !== 'object' ||
    typeof other !== 'object' ||
    one === null ||
    other === null ||
    Array.isArray(one) !== Array.isArray(other)
  ) {
    return one === other || (Number.isNaN(one) && Number.isNaN(other));
  }
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every(
      key => key in other && deepEqual((one as Data)[key], (other as Data)[key])
    )
  );
}

/** Sets a value at a path of keys; creates missing maps. */
export function setIn(
  map: Value | undefined,
  [key, ...rest]: readonly string[],
  value: Value
): Data {
  const before = isRecord(map) ? map : {};
  return {
    ...before,
    [key]: rest.length > 0 ? setIn(before[key], rest, value) : value
  };
}

/** A map without the value at a path of keys, and without the maps that are empty then. */
export function removeIn(map: Data, [key, ...rest]: readonly string[]): Data {
  const { [key]: inner, ...others } = map;
  if (inner === undefined || (rest.length > 0 && !isRecord(inner))) {
    return map;
  }
  const remaining = rest.length > 0 ? removeIn(inner as Data, rest) : {};
  return remaining === inner
    ? map
    : Object.keys(remaining).length > 0
      ? { ...map, [key]: remaining }
      : others;
}

/** Inserts a key before the first of some keys, or at the end of a map. */
export function insertKey(
  map: Data,
  key: string,
  value: Value,
  before: readonly string[]
): Data {
  const entries = Object.entries(map);
  const index = entries.findIndex(([name]) => before.includes(name));
  entries.splice(index < 0 ? entries.length : index, 0, [key, value]);
  return Object.fromEntries(entries);
}

export function renameKey(map: Data, key: string, name: string): Data {
  return Object.fromEntries(
    Object.entries(map).map(([one, value]) => [one === key ? name : one, value])
  );
}

/** Changes every string of a value, and every key. */
export function mapStrings<T extends Value>(
  value: T,
  change: (text: string) => string
): T {
  const map = (one: Value): Value =>
    typeof one === 'string'
      ? change(one)
      : Array.isArray(one)
        ? one.map(map)
        : isRecord(one)
          ? Object.fromEntries(
              Object.entries(one).map(([key, inner]) => [
                change(key),
                map(inner)
              ])
            )
          : one;
  return map(value) as T;
}

/** A text for a regular expression that matches it. */
export function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
