import type { ReadonlyJSONObject } from '@lumino/coreutils';

/** The arguments of a command as JSON Schema, for its `describedBy`. */
export function describeArgs(
  properties: ReadonlyJSONObject = {},
  required: readonly string[] = []
): { args: ReadonlyJSONObject } {
  return { args: { type: 'object', properties, required } };
}
