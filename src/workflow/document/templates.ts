import { type Data, isRecord, type Value } from './values';

/** Variables of a stage and of a variant, the innermost first, before those of the file. */
export interface IScope {
  own: readonly Data[];
  valueOf: (name: string) => Value | undefined;
}

/** A value as DVC writes it into a text: small and large numbers as Python does. */
export function textFor(value: Value): string {
  if (value === null) {
    return 'None';
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return String(value);
  }
  const size = Math.abs(value);
  const isShort = Number.isInteger(value) || (size >= 1e-4 && size < 1e16);
  return isShort
    ? String(value)
    : value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2');
}

/** The value of a text that is only `${name}`; anything else is itself. */
export function lookUp(value: Value, scope: IScope): Value | undefined {
  const name =
    typeof value === 'string' ? /^\$\{\s*([^}]+?)\s*\}$/.exec(value) : null;
  return name ? valueIn(scope, name[1]) : value;
}

/** Follows a template's name, such as `train.optim.lr` or `list[0]`. */
export function valueAt(vars: Data, name: string): Value | undefined {
  let value: Value | undefined = vars;
  for (const key of splitName(name)) {
    if (Array.isArray(value)) {
      value = value[Number(key)];
    } else {
      value =
        isRecord(value) && Object.prototype.hasOwnProperty.call(value, key)
          ? value[key]
          : undefined;
    }
  }
  return value;
}

function valueIn(scope: IScope, name: string): Value | undefined {
  const [first] = splitName(name);
  const vars = scope.own.find(one =>
    Object.prototype.hasOwnProperty.call(one, first)
  );
  return vars ? valueAt(vars, name) : scope.valueOf(name);
}

export function splitName(name: string): string[] {
  return name.replace(/\[(\w+)\]/g, '.$1').split('.');
}

export function isDictionary(name: string, scope: IScope): boolean | null {
  const value = valueIn(scope, name);
  return value === undefined ? null : isRecord(value);
}

/** Resolves templates; those with external values stay. */
export function fill(text: string, scope: IScope): string {
  return text.replace(
    /(\\?)\$\{\s*([^}]+?)\s*\}/g,
    (whole, escape: string, name: string) => {
      const value = escape ? undefined : valueIn(scope, name);
      return value === undefined || value === null || typeof value === 'object'
        ? whole
        : textFor(value);
    }
  );
}

/** The variables that templates in a value name. */
export function namesIn(value: Value): string[] {
  const text = JSON.stringify(value);
  return [...text.matchAll(/\$\{\s*([^\s.}[]+)/g)].map(match => match[1]);
}

/** Number of templates in a value that name a variable, or a part of it. */
export function countMentions(value: Value, name: string): number {
  return namesIn(value).filter(one => one === name).length;
}

/** Renames variables in the templates of a text. */
export function renameMentions(
  text: string,
  names: ReadonlyMap<string, string>
): string {
  return text.replace(
    /(\$\{\s*)([^\s.}[]+)/g,
    (whole, open: string, name: string) =>
      names.has(name) ? open + names.get(name) : whole
  );
}
