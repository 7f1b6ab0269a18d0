import {
  bodyOf,
  type IPathEntry,
  type IStage,
  type IWorkflow,
  stagesOf
} from './document';
import { stageOf } from './edits';
import { folders } from './paths';
import { type Data, escapePattern, isRecord } from './values';

/** A value that a sweep tries: DVC fills nothing else into a command. */
export type Point = string | number | boolean;

/** A setting (or an option of a command) with the values that are tried. */
export interface IAxis {
  name: string;
  values: Point[];
}

/** Reason for which a stage cannot have variants. */
export type SweepFault =
  | { kind: 'text' }
  /** The command does not contain the path: each variant would write the same file. */
  | { kind: 'output'; path: string }
  /** A downstream stage does not name the file in its command. */
  | { kind: 'reader'; node: string; path: string }
  /** A downstream stage is a sweep itself. */
  | { kind: 'sweep'; node: string };

/** Component data that the text does not contain. */
export interface ISweepOptions {
  /** Does an input of a stage take several files? */
  isMultiple: (stage: IStage, port: string) => boolean;
  /** The defaults of the stage's settings; such values are not written. */
  defaults: Data;
}

/** Effect of a sweep on a reader: a variant for each, one stage for all, or the first only. */
export type ReaderKind = 'each' | 'all' | 'first';

/** The most variants: each is a stage of DVC. */
export const MAX_VARIANTS = 1000;
/** A component that acts on the world outside: not once for each variant. */
const REGISTER_MODEL = 'register_model';

/** Escapes a setting's name for a template, where dots have a meaning. */
export function axisKey(name: string): string {
  return name.replace(/[^\p{L}\p{N}_]+/gu, '_');
}

/** Tests whether a value can be part of a file's name, and of a command without quotes. */
export function isPoint(value: unknown): value is Point {
  return (
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value)) ||
    (typeof value === 'string' && /^[\p{L}\p{N}_+=@%:,.-]+$/u.test(value))
  );
}

export function variantCount(axes: readonly IAxis[]): number {
  return axes.reduce((count, axis) => count * axis.values.length, 1);
}

/** Axes of a sweep's `matrix`; null for other syntax. */
export function axesOf(workflow: IWorkflow, id: string): IAxis[] | null {
  const stage = stageOf(workflow, id);
  const matrix = matrixOf(workflow, id);
  const axes = Object.entries(matrix ?? {}).map(([key, values]) => ({
    name: nameOf(stage, key),
    values: values as Point[]
  }));
  const isPlain = axes.every(
    ({ values }) => Array.isArray(values) && values.every(isPoint)
  );
  return matrix && isPlain ? axes : null;
}

function matrixOf(workflow: IWorkflow, id: string): Data | null {
  const stage = editableStage(workflow, id);
  const { matrix } = stage ? bodyOf(stage) : {};
  return isRecord(matrix) ? matrix : null;
}

function editableStage(workflow: IWorkflow, id: string): Data | null {
  return stageOf(workflow, id).isEditable
    ? (stagesOf(workflow.data)[id] as Data)
    : null;
}

/** Name of a `foreach`'s value in templates. */
export const ITEM = 'item';

/** Plain values of a `foreach`; null if it has others, or there is no `foreach`. */
export function itemsOf(workflow: IWorkflow, id: string): Point[] | null {
  const values = editableStage(workflow, id)?.foreach;
  return Array.isArray(values) && values.length > 0 && values.every(isPoint)
    ? values
    : null;
}

/** Stages with the same variation have the same variants. */
function variationOf(workflow: IWorkflow, id: string): string {
  const items = editableStage(workflow, id)?.foreach;
  return JSON.stringify([matrixOf(workflow, id), items ?? null]);
}

/** Option of an axis; its key if it is not passed as an option. */
function nameOf(stage: IStage, key: string): string {
  const argument = stage.command?.args.find(
    ({ values }) => values.length === 1 && isTemplate(values[0].text, key)
  );
  return argument?.name ?? key;
}

export function isTemplate(text: string, key: string): boolean {
  return text.replace(/\s/g, '') === `\${item.${key}}`;
}

// Groups of stages that vary together

export interface IReading {
  /** Names of the reading and the writing stage. */
  reader: string;
  owner: string;
  /** The plain path, or those of all variants. */
  output: IPathEntry;
  dep: IPathEntry;
  /** Remainder of the dependency's path inside of the output. */
  rest: string;
  kind: ReaderKind;
}

/** Returns true if two readings of a stage are of the same file, also of different variants. */
export function isSameFile(one: IReading, other: IReading): boolean {
  return (
    one.reader === other.reader &&
    one.output === other.output &&
    one.rest === other.rest
  );
}

/** Stages that vary together, and the readers of their outputs. */
interface IGroup {
  members: string[];
  readings: IReading[];
  fault: SweepFault | null;
}

/** Follows the outputs of a stage: readers of which `kindOf` says 'each' are of the group. */
function follow(
  workflow: IWorkflow,
  id: string,
  kindOf: (reader: IStage, dep: IPathEntry) => ReaderKind | null
): Pick<IGroup, 'members' | 'readings'> {
  const members = [id];
  const readings: IReading[] = [];
  for (const owner of members) {
    for (const output of stageOf(workflow, owner).outs) {
      for (const { reader, dep, rest } of readersOf(workflow, owner, output)) {
        const kind = kindOf(reader, dep);
        if (kind !== null) {
          readings.push({ reader: reader.id, owner, output, dep, rest, kind });
        }
        if (kind === 'each' && !members.includes(reader.id)) {
          members.push(reader.id);
        }
      }
    }
  }
  return {
    members,
    readings: readings.map(one =>
      members.includes(one.reader) ? { ...one, kind: 'each' } : one
    )
  };
}

/** The stages that need variants along with a stage. */
export function newGroup(
  workflow: IWorkflow,
  id: string,
  { isMultiple }: Pick<ISweepOptions, 'isMultiple'>
): IGroup {
  const faults: SweepFault[] = [];
  const group = follow(workflow, id, (reader, dep) => {
    const kind = kindOf(reader, dep, isMultiple);
    if (kind === null) {
      faults.push(
        reader.kind === 'sweep'
          ? { kind: 'sweep', node: reader.id }
          : { kind: 'reader', node: reader.id, path: dep.paths[0] }
      );
    }
    return kind;
  });
  const own = group.members
    .map(member => stageOf(workflow, member))
    .flatMap((stage): SweepFault[] => [
      ...(stage.isEditable &&
      stage.kind !== 'sweep' &&
      stage.commands.length === 1
        ? []
        : [{ kind: 'text' as const }]),
      ...stage.outs
        .filter(({ raw }) => !isKeyed(raw) && !names(stage, raw))
        .map(({ paths }) => ({ kind: 'output' as const, path: paths[0] }))
    ]);
  return { ...group, fault: [...own, ...faults][0] ?? null };
}

function kindOf(
  reader: IStage,
  dep: IPathEntry,
  isMultiple: ISweepOptions['isMultiple']
): ReaderKind | null {
  const ports = reader.args.filter(arg =>
    arg.paths.some(path => dep.paths.includes(path))
  );
  if (ports.some(port => isMultiple(reader, port.name))) {
    return 'all';
  }
  if (reader.component === REGISTER_MODEL) {
    return 'first';
  }
  return reader.kind === 'sweep' || !names(reader, dep.raw) ? null : 'each';
}

/** The stages that depend on an output, or on something inside of it. */
function readersOf(
  workflow: IWorkflow,
  id: string,
  output: IPathEntry
): { reader: IStage; dep: IPathEntry; rest: string }[] {
  const outputs = new Set(output.paths);
  return workflow.stages
    .filter(stage => stage.id !== id)
    .flatMap(reader =>
      reader.deps.flatMap(dep => {
        const [path] = dep.paths;
        const above = [path, ...folders(path)].find(one => outputs.has(one));
        return above === undefined
          ? []
          : [{ reader, dep, rest: path.slice(above.length) }];
      })
    );
}

/** Returns the stages with the variants of a sweep, and the readers of their outputs. */
export function groupOf(workflow: IWorkflow, id: string): IGroup {
  const variation = variationOf(workflow, id);
  const { members, readings } = follow(workflow, id, (reader, dep) =>
    isKeyed(dep.raw) && variationOf(workflow, reader.id) === variation
      ? 'each'
      : 'first'
  );
  const isAll = (reading: IReading): boolean => {
    const count = reading.output.paths.length;
    return (
      count > 1 &&
      readings.filter(one => isSameFile(one, reading)).length >= count
    );
  };
  return {
    members,
    readings: readings.map(one =>
      one.kind === 'first' && isAll(one) ? { ...one, kind: 'all' } : one
    ),
    fault: null
  };
}

/** Returns the reason for which a plain stage cannot become a sweep, or null. */
export function sweepFault(
  workflow: IWorkflow,
  id: string,
  options: Pick<ISweepOptions, 'isMultiple'>
): SweepFault | null {
  return newGroup(workflow, id, options).fault;
}

/** Returns the effect of a sweep on each reader of the stage's outputs. */
export function readersOfSweep(
  workflow: IWorkflow,
  id: string,
  options: Pick<ISweepOptions, 'isMultiple'>
): Map<string, ReaderKind> {
  const group =
    stageOf(workflow, id).kind === 'sweep'
      ? groupOf(workflow, id)
      : newGroup(workflow, id, options);
  return new Map(group.readings.map(({ reader, kind }) => [reader, kind]));
}

// Files

export function isKeyed(raw: string): boolean {
  return /\$\{\s*(key|item)\b/.test(raw);
}

/** Does a stage's command name a file? */
export function names(stage: IStage, raw: string): boolean {
  return stage.commands.some(text => mention(raw).test(text));
}

/** A path as a word of a command, or part of a word. */
export function mention(raw: string): RegExp {
  return new RegExp(
    `(?<![\\p{L}\\p{N}_./$\\\\{}-])${escapePattern(raw)}(?![\\p{L}\\p{N}_-]|\\.[\\p{L}\\p{N}_])`,
    'gu'
  );
}
