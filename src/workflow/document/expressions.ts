/** Returns a column as an expression names it: in backticks if it is no identifier. */
export function columnInExpression(name: string): string {
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && !WORDS.has(name)
    ? name
    : `\`${name}\``;
}

/** Keywords of Python. */
const WORDS: ReadonlySet<string> = new Set(
  (
    'False None True and as assert async await break class continue def del ' +
    'elif else except finally for from global if import in is lambda nonlocal ' +
    'not or pass raise return try while with yield'
  ).split(' ')
);

/** Item of a list of `column=value`. */
export interface IPair {
  column: string;
  value: string;
}

/** Reads an item; the first equals sign ends the column. */
export function readPair(text: string): IPair {
  const at = text.indexOf('=');
  return at < 0
    ? { column: text.trim(), value: '' }
    : { column: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

/** Parses an item with a value out of some choices; the last equals sign ends the column. */
export function readChoice(text: string): IPair {
  const at = text.lastIndexOf('=');
  return at < 0
    ? readPair(text)
    : { column: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

/** Sets the choice of a column; null removes it. */
export function withChoice(
  items: readonly string[],
  column: string,
  value: string | null
): string[] {
  const item = value === null ? [] : [writePair({ column, value })];
  const index = items.findIndex(one => readChoice(one).column === column);
  const rest = (part: readonly string[]): string[] =>
    part.filter(one => readChoice(one).column !== column);
  return index < 0
    ? [...items, ...item]
    : [...items.slice(0, index), ...item, ...rest(items.slice(index + 1))];
}

/** Roles that several columns can have. */
const SHARED_ROLES: ReadonlySet<string> = new Set(['feature', 'ignored']);

/** Sets the role of a column; target, group, time and weight are unique. */
export function withRoleChoice(
  items: readonly string[],
  column: string,
  role: string
): string[] {
  const others = items.filter(one => {
    const pair = readChoice(one);
    return (
      pair.column === column || SHARED_ROLES.has(role) || pair.value !== role
    );
  });
  return withChoice(others, column, role === 'feature' ? null : role);
}

/** Writes an item. */
export function writePair({ column, value }: IPair): string {
  return `${column}=${value}`;
}

/** Names the rules that settings hold, such as `unique: id`, in the order of the settings. */
export function ruleNames(
  settings: readonly string[],
  values: Readonly<Record<string, unknown>>
): string[] {
  return settings.flatMap(setting => {
    const value = values[setting];
    const isPair = setting === 'types' || setting === 'ranges';
    if (!Array.isArray(value)) {
      return value === undefined ? [] : [setting];
    }
    return value
      .filter(one => typeof one === 'string' && one !== '')
      .map(one => `${setting}: ${isPair ? readPair(one).column : one}`);
  });
}
