import type { IStage, IWorkflow } from '../document/document';
import type { ISchema } from '../document/schema';
import { settingsOf, withoutNull } from '../document/settings';
import { axisKey, isPoint, type Point } from '../document/sweep';
import { valueAt } from '../document/templates';
import { isRecord, type Value } from '../document/values';
import { hasForeignSettings } from '../document/variables';
import type { IGraphNode } from './graph';

const POINT_TYPES = ['integer', 'number', 'string', 'boolean'] as const;
type PointType = (typeof POINT_TYPES)[number] | 'any';

/** Something of a node of which a sweep can try several values. */
export interface ISweepable {
  name: string;
  /** The name in the form. */
  label: string;
  type: PointType;
  /** Present value; undefined if the file has none. */
  value: Point | undefined;
  /** All possible values, if they are few. */
  choices: Point[] | null;
  /** JSON Schema of a value. */
  schema: ISchema;
  /** Values of other settings with which this setting has an effect, by name. */
  appliesTo: Record<string, Value[]>;
}

/** Tests whether a setting has an effect with one of the values of each setting it depends on. */
export function hasEffect(
  { appliesTo }: ISweepable,
  valuesOf: (name: string) => readonly Point[]
): boolean {
  return Object.entries(appliesTo).every(([name, choices]) => {
    const values = valuesOf(name);
    return values.length === 0 || values.some(one => choices.includes(one));
  });
}

/** The settings of a node, or the options and variables of its command. */
export function sweepables(
  node: IGraphNode,
  document: IWorkflow
): ISweepable[] {
  const { stage, settings } = node;
  if (stage.command && settings) {
    return hasForeignSettings(document, stage)
      ? []
      : ofSchema(settings, settingsOf(node, document));
  }
  return stage.commands.length === 1 ? ofCommand(stage, document) : [];
}

function ofSchema(
  schema: ISchema,
  values: Record<string, Value>,
  above = '',
  title = ''
): ISweepable[] {
  return Object.entries(schema.properties ?? {}).flatMap(
    ([key, raw]): ISweepable[] => {
      const name = `${above}${key}`;
      const label = `${title}${raw.title ?? key}`;
      const value = values[key];
      if (raw.properties) {
        const inner = isRecord(value) ? value : {};
        return ofSchema(raw, inner, `${name}.`, `${label}: `);
      }
      const property = withoutNull(raw);
      const [declared] = [property.type].flat();
      const type = POINT_TYPES.find(one => one === declared);
      const choices = type === 'boolean' ? [false, true] : property.enum;
      return type || choices?.every(isPoint)
        ? [
            {
              name,
              label,
              type: type ?? 'any',
              value: isPoint(value) ? value : undefined,
              choices: choices?.filter(isPoint) ?? null,
              schema: property,
              appliesTo: Object.fromEntries(
                Object.entries(raw['x-applies-to'] ?? {}).map(
                  ([other, choices]) => [`${above}${other}`, choices]
                )
              )
            }
          ]
        : [];
    }
  );
}

/** Returns the labels of a schema's settings in the form, by their names in a sweep. */
export function labelsOf(schema: ISchema | null): (name: string) => string {
  const labels = new Map(
    ofSchema(schema ?? {}, {}).map(({ name, label }) => [axisKey(name), label])
  );
  return name => labels.get(axisKey(name)) ?? name;
}

/** Something with a name of which nothing else is known. */
export function plainSweepable(name: string): ISweepable {
  return {
    name,
    label: name,
    type: 'any',
    value: undefined,
    choices: null,
    schema: {},
    appliesTo: {}
  };
}

const OPTION_PATTERN =
  /(?:^|\s)(--?[\p{L}][\p{L}\p{N}_.-]*)(?:=|\s+)("[^"]*"|'[^']*'|\$\{[^}]*\}|[^\s'"]+)/gu;
const TEMPLATE_PATTERN = /(?<!\\)\$\{\s*([^\s{}]+)\s*\}/g;

/** Options with a value that is no file, and variables, such as `--lr 0.1` and `${train.lr}`. */
function ofCommand(stage: IStage, document: IWorkflow): ISweepable[] {
  const [text] = stage.commands;
  const files = new Set([...stage.deps, ...stage.outs].map(file => file.raw));
  const points = new Map<string, Point | undefined>();
  for (const [, name] of text.matchAll(TEMPLATE_PATTERN)) {
    const value = valueAt(document.vars, name);
    // A sweep gives `item` and `key` to its stages by itself.
    if (!/^(item|key)\b/.test(name) && !isRecord(value)) {
      points.set(name, isPoint(value) ? value : undefined);
    }
  }
  for (const [, flag, word] of text.matchAll(OPTION_PATTERN)) {
    const value = readPoint(word.replace(/^(['"])(.*)\1$/, '$2'));
    const isValue =
      value !== null && !String(value).startsWith('-') && !files.has(word);
    if (isValue) {
      points.set(flag.replace(/^--?/, ''), value);
    }
  }
  return [...points].map(([name, value]) => ({
    ...plainSweepable(name),
    value
  }));
}

/** Parses text as a value of a type; null if invalid. */
function readPoint(text: string, type: PointType = 'any'): Point | null {
  const number = text.trim() === '' ? NaN : Number(text);
  const isNumber = Number.isFinite(number) && !/^[-+]?0[xob]/i.test(text);
  switch (type) {
    case 'integer':
      return isNumber && Number.isInteger(number) ? number : null;
    case 'number':
      return isNumber ? number : null;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : null;
    case 'string':
      return isPoint(text) ? text : null;
    case 'any':
      return (
        readPoint(text, 'number') ??
        readPoint(text, 'boolean') ??
        readPoint(text, 'string')
      );
  }
}

/** Parses values separated by commas; invalid words are in `wrong`. */
export function readPoints(
  text: string,
  type: PointType
): { points: Point[]; wrong: string[] } {
  const points: Point[] = [];
  const wrong: string[] = [];
  for (const word of text.split(',').map(one => one.trim())) {
    const point = word === '' ? null : readPoint(word, type);
    if (point !== null && !points.includes(point)) {
      points.push(point);
    } else if (point === null && word !== '') {
      wrong.push(word);
    }
  }
  return { points, wrong };
}

interface IRange {
  from: number;
  to: number;
  count: number;
  /** True if each value is the last one times a constant factor. */
  isLog: boolean;
  isInteger: boolean;
}

/** Evenly spaced values, both ends included; empty for an invalid range. */
export function rangePoints({
  from,
  to,
  count,
  isLog,
  isInteger
}: IRange): number[] {
  const isRange =
    [from, to, count].every(Number.isFinite) &&
    Number.isInteger(count) &&
    count >= 2 &&
    (!isLog || (from > 0 && to > 0));
  if (!isRange) {
    return [];
  }
  const values = Array.from({ length: count }, (_, step) => {
    const share = step / (count - 1);
    const value = isLog
      ? from * (to / from) ** share
      : from + (to - from) * share;
    return isInteger ? Math.round(value) : Number(value.toPrecision(6));
  });
  return [...new Set(values)];
}

/** Formats the values of an axis for a field. */
export function pointsText(points: readonly Point[]): string {
  return points.map(String).join(', ');
}

/** Two settings whose templates would have the same name can't vary together. */
export function isSameAxis(one: string, other: string): boolean {
  return axisKey(one) === axisKey(other);
}
