import type { IExperimentRun } from '../api/models';
import { numberOf } from './charts';

/** Conditions in MLflow's search syntax, as text and as rows of a form. */

/** Kinds of columns in conditions; `attributes` are facts of the run itself. */
export const KINDS = ['metrics', 'params', 'tags', 'attributes'] as const;
export type FilterKind = (typeof KINDS)[number];

export const OPERATORS = [
  '=',
  '!=',
  '>',
  '>=',
  '<',
  '<=',
  'LIKE',
  'ILIKE'
] as const;

/** Attributes that a condition may be about. */
export const ATTRIBUTES = ['run_name', 'status', 'run_id'] as const;

/** One condition; of a list of values (`IN`) only the text is known. */
export interface ICondition {
  kind: FilterKind;
  name: string;
  operator: string;
  value: string;
}

/** Error of a text that is no filter, with its position. */
export class FilterSyntaxError extends Error {
  constructor(
    /** The part of a condition that is missing. */
    readonly expected: 'field' | 'operator' | 'value' | 'quote' | 'and',
    /** Index of the character. */
    readonly position: number
  ) {
    super(`${expected} expected at ${position}`);
  }
}

const FIELD =
  /(metrics?|params?|parameters?|tags?|attributes?|attr|run)\s*\.\s*(?:`([^`]+)`|"([^"]+)"|([\w.\-/]+))/iy;
const BARE_FIELD =
  /(status|run_name|run_id|start_time|end_time|artifact_uri|user_id)\b/iy;
const OPERATOR =
  /!=|>=|<=|=|>|<|(?:NOT\s+)?(?:ILIKE|LIKE|IN)\b|IS\s+(?:NOT\s+)?NULL\b/iy;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;
const LIST = /\((?:[^()'"]|'[^']*'|"[^"]*")*\)/y;
const AND = /AND\b/iy;

/** Reads the conditions of a filter. Throws a FilterSyntaxError. */
export function parseFilter(text: string): ICondition[] {
  const conditions: ICondition[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    while (at < text.length && /\s/.test(text[at])) {
      at += 1;
    }
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    at = match ? pattern.lastIndex : at;
    return match;
  };
  if (text.trim() === '') {
    return [];
  }
  for (;;) {
    const field = take(FIELD) ?? take(BARE_FIELD);
    if (!field) {
      throw new FilterSyntaxError('field', at);
    }
    const isBare = field.length === 2;
    const kind = isBare ? 'attributes' : kindOf(field[1]);
    const name = isBare ? field[1] : (field[2] ?? field[3] ?? field[4]);
    const operator = take(OPERATOR);
    if (!operator) {
      throw new FilterSyntaxError('operator', at);
    }
    const word = operator[0].toUpperCase().replace(/\s+/g, ' ');
    let value = '';
    if (word.endsWith('IN')) {
      const list = take(LIST);
      if (!list) {
        throw new FilterSyntaxError('value', at);
      }
      value = list[0];
    } else if (!word.endsWith('NULL')) {
      take(/(?:)/y);
      const quote = text[at];
      if (quote === "'" || quote === '"') {
        const end = text.indexOf(quote, at + 1);
        if (end < 0) {
          throw new FilterSyntaxError('quote', at);
        }
        value = text.slice(at + 1, end);
        at = end + 1;
      } else {
        const number = take(NUMBER);
        if (!number) {
          throw new FilterSyntaxError('value', at);
        }
        value = number[0];
      }
    }
    conditions.push({ kind, name, operator: word, value });
    take(/(?:)/y);
    if (at >= text.length) {
      return conditions;
    }
    if (!take(AND)) {
      throw new FilterSyntaxError('and', at);
    }
  }
}

function kindOf(word: string): FilterKind {
  const first = word.toLowerCase()[0];
  return first === 'm'
    ? 'metrics'
    : first === 'p'
      ? 'params'
      : first === 't'
        ? 'tags'
        : 'attributes';
}

/** Writes conditions as a filter; those without a name are left out. */
export function formatFilter(conditions: readonly ICondition[]): string {
  return conditions
    .filter(one => one.name !== '')
    .map(({ kind, name, operator, value }) => {
      const field = /^\w+$/.test(name)
        ? `${kind}.${name}`
        : `${kind}.\`${name}\``;
      if (operator.endsWith('NULL')) {
        return `${field} ${operator}`;
      }
      const isBare = kind === 'metrics' || operator.endsWith('IN');
      // A number that is not there yet is a fault that the text shows.
      return `${field} ${operator} ${isBare ? value : quoted(value)}`;
    })
    .join(' AND ');
}

function quoted(text: string): string {
  return text.includes("'") ? `"${text.replace(/"/g, '')}"` : `'${text}'`;
}

/** Tests whether a run that MLflow does not have, such as a commit, meets all conditions. */
export function matches(
  run: IExperimentRun,
  conditions: readonly ICondition[]
): boolean {
  return conditions.every(({ kind, name, operator, value }) => {
    const own =
      kind === 'metrics'
        ? run.metrics[name]
        : kind === 'params'
          ? run.params[name]
          : kind === 'tags'
            ? run.tags[name]
            : { run_name: run.title, status: run.status, run_id: run.run }[
                name
              ];
    if (operator.endsWith('NULL')) {
      return (own === undefined || own === null) === !operator.includes('NOT');
    }
    if (own === undefined || own === null) {
      return false;
    }
    const text = String(own);
    if (operator.endsWith('IN')) {
      const values = [...value.matchAll(/'([^']*)'|"([^"]*)"/g)];
      const isIn = values.some(([, one, other]) => (one ?? other) === text);
      return isIn !== operator.startsWith('NOT');
    }
    if (operator.endsWith('LIKE')) {
      const pattern = value
        .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
        .replace(/%/g, '.*')
        .replace(/_/g, '.');
      const flags = operator.endsWith('ILIKE') ? 'is' : 's';
      const isLike = new RegExp(`^${pattern}$`, flags).test(text);
      return isLike !== operator.startsWith('NOT');
    }
    const [left, right] =
      kind === 'metrics'
        ? [numberOf(own) ?? NaN, Number(value)]
        : [text, value];
    switch (operator) {
      case '=':
        return left === right;
      case '!=':
        return left !== right;
      case '>':
        return left > right;
      case '>=':
        return left >= right;
      case '<':
        return left < right;
      default:
        return left <= right;
    }
  });
}
