import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

/** Schema of an argument that is true or false. */
export function flag(description: string): ReadonlyJSONObject {
  return { type: 'boolean', description };
}

/** The arguments of a command for its `describedBy`: descriptions of texts, or JSON Schemas. */
export function describeArgs(
  properties: Readonly<Record<string, string | ReadonlyJSONObject>> = {},
  required: readonly string[] = []
): { args: ReadonlyJSONObject } {
  const schemas = Object.entries(properties).map(([name, schema]) => [
    name,
    typeof schema === 'string'
      ? { type: 'string', description: schema }
      : schema
  ]);
  return {
    args: { type: 'object', properties: Object.fromEntries(schemas), required }
  };
}

/** Adds a command without arguments. */
export function addCommand(
  commands: CommandRegistry,
  id: string,
  options: CommandRegistry.ICommandOptions
): void {
  commands.addCommand(id, { describedBy: describeArgs(), ...options });
}
