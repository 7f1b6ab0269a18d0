import {
  isAlias,
  isMap,
  isSeq,
  LineCounter,
  parseDocument,
  type Node
} from 'yaml';

import {
  type IComponentCommand,
  parseCommand,
  withoutLauncher
} from './command';
import { type Entry, type IPartedText, parseParts } from './parts';
import { dirname, join } from './paths';
import { entryOf, type IParsedText, startOf } from './ranges';
import {
  fill,
  type IScope,
  isDictionary,
  lookUp,
  textFor,
  valueAt
} from './templates';
import { type Data, isRecord, type Value } from './values';

export type NodeKind =
  | 'component'
  | 'notebook'
  | 'script'
  | 'shell'
  | 'sweep'
  /** A collapsed frame, which is not a stage. */
  | 'group';

/** Dependency or output in a list of the stage. */
export interface IPathEntry {
  /** Source text. */
  raw: string;
  /** From the project's root, with templates resolved; of a sweep a path for each variant. */
  paths: string[];
  list: 'deps' | 'outs' | 'metrics' | 'plots';
  index: number;
}

/** `--name path` in a component's command. */
interface IPathArgument {
  name: string;
  raw: string;
  paths: string[];
}

export interface IStage {
  id: string;
  kind: NodeKind;
  /** Source text of the commands, in order. */
  commands: string[];
  /** Parsed command of a component or a notebook. */
  command: IComponentCommand | null;
  component: string | null;
  /** The notebook that it runs, from the project's root. */
  notebook: string | null;
  args: IPathArgument[];
  /** The folder of its commands, from the project's root. */
  folder: string;
  deps: IPathEntry[];
  outs: IPathEntry[];
  at: [number, number] | null;
  description: string;
  frozen: boolean;
  line: number;
  /** Names of a sweep's variants that are in the file. */
  variants: string[];
  /** False for an alias: an edit would change its anchor. */
  isEditable: boolean;
}

/** Reason for which a text is not a workflow: a syntax error, or an invalid structure. */
export type IParseError = { line: number } & (
  | { kind: 'yaml'; message: string }
  | { kind: 'root' }
  | { kind: 'stages' }
  | { kind: 'stage'; name: string }
);

/** Parsed data of a `dvc.yaml`. */
export interface IWorkflow {
  data: Data;
  /** From the project's root. */
  path: string;
  title: string;
  vars: Data;
  /** Names of files with more variables. */
  varFiles: string[];
  stages: IStage[];
  /** Stages of sub-workflows from comments, in the order of the text. */
  origins: ReadonlyMap<string, Origin>;
}

type Origin = Pick<IStage, 'line' | 'isEditable'>;

/** Parsed `dvc.yaml` with its text. */
export interface IWorkflowDocument extends IWorkflow {
  source: IParsedText;
}

export type ParseResult =
  | { document: IWorkflowDocument; error: null }
  | { document: null; error: IParseError };

/**
 * Parses a `dvc.yaml`; `path` is from the project's root.
 *
 * With an earlier text as `before`, only the differences are parsed.
 */
export function parse(
  text: string,
  path = 'dvc.yaml',
  before: IWorkflowDocument | null = null
): ParseResult {
  const lines = new LineCounter();
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  let parsed = parseParts(text, before?.source.parts ?? []);
  if (parsed) {
    for (let start = 0; start < text.length || start === 0;) {
      lines.addNewLine(start);
      start = text.indexOf('\n', start) + 1 || text.length;
    }
  } else {
    const yaml = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false
    });
    const [fault] = yaml.errors;
    if (fault) {
      const line = lineOf(fault.pos[0]);
      return {
        document: null,
        error: { kind: 'yaml', message: fault.message, line }
      };
    }
    parsed = { parts: [], yaml, baseOf: () => 0 };
  }
  return read({ text, lineOf, ...parsed, ...layoutOf(text, parsed) }, path);
}

/** Detects the line ends and indentation of a text. */
function layoutOf(
  text: string,
  parsed: IPartedText
): Pick<IParsedText, 'eol' | 'step' | 'listStep'> {
  const eol = /\r\n/.test(text) ? '\r\n' : '\n';
  const block = /^([^\s#-][^\n]*):[ \t]*(?:#[^\n]*)?\r?\n( +)[^\s#-]/m.exec(
    text
  );
  const list = /^( *)([^\s#-][^\n]*):[ \t]*(?:#[^\n]*)?\r?\n( *)- /gm;
  const stages = entryOf(parsed.yaml.contents, 'stages');
  list.lastIndex = stages ? startOf(parsed, stages.key) : 0;
  // The lists of the stages, else others; after a miss the search begins at the start.
  const item = list.exec(text) ?? list.exec(text);
  const listStep = item ? Math.max(0, item[3].length - item[1].length) : 2;
  return { eol, step: block ? block[2].length : 2, listStep };
}

function read(source: IParsedText, path: string): ParseResult {
  const fault = (node: Node, kind: 'root' | 'stages'): ParseResult => {
    const line = source.lineOf(startOf(source, node));
    return { document: null, error: { kind, line } };
  };
  const root = source.yaml.contents as Node | null;
  if (root && !isMap(root) && valueOf(source, root) !== null) {
    return fault(root, 'root');
  }
  const data: Data = {};
  const origins = new Map<string, Origin>();
  for (const { key, value } of isMap(root) ? (root.items as Entry[]) : []) {
    const name = String(key.value);
    if (name === 'vars' && isSeq(value)) {
      data.vars = value.items.map(item => valueOf(source, item as Node));
    } else if (name !== 'stages' || !isMap(value)) {
      data[name] = valueOf(source, value);
      if (name === 'stages' && data.stages !== null) {
        return fault(key, 'stages');
      }
    } else {
      const stages: Data = {};
      for (const stage of value.items as Entry[]) {
        const id = String(stage.key.value);
        const line = source.lineOf(startOf(source, stage.key));
        stages[id] = valueOf(source, stage.value);
        if (!isRecord(stages[id])) {
          const error = { kind: 'stage' as const, name: id, line };
          return { document: null, error };
        }
        const isAliased =
          isAlias(stage.value) || isAlias(entryOf(stage.value, 'do')?.value);
        origins.set(id, { line, isEditable: !isAliased });
      }
      data.stages = stages;
    }
  }
  const document = { ...readData(data, path, origins), source };
  return { document, error: null };
}

const VALUES = new WeakMap<Node, Value>();

/** The value of a node: the same object as long as the node is the same. */
function valueOf(source: IParsedText, node: Node | null): Value {
  const cached = node && VALUES.get(node);
  if (!node || cached !== undefined) {
    return cached ?? null;
  }
  const value = node.toJS(source.yaml) as Value;
  VALUES.set(node, value);
  return value;
}

export function withData(workflow: IWorkflow, data: Data): IWorkflow {
  return data === workflow.data
    ? workflow
    : readData(data, workflow.path, workflow.origins);
}

function readData(
  data: Data,
  path: string,
  origins: ReadonlyMap<string, Origin>
): IWorkflow {
  const { vars, varFiles } = readVars(data);
  const { workflow } = vars;
  const title = isRecord(workflow) ? workflow.name : '';
  const stages = stagesOf(data);
  const ids = new Set([...origins.keys(), ...Object.keys(stages)]);
  return {
    data,
    path,
    title: typeof title === 'string' ? title : '',
    vars,
    varFiles,
    stages: [...ids]
      .filter(id => id in stages)
      .map(id =>
        stageFor(stages[id] as Data, dirname(path), vars, {
          id,
          ...(origins.get(id) ?? { line: 1, isEditable: true })
        })
      ),
    origins
  };
}

export function stagesOf({ stages }: Data): Data {
  return isRecord(stages) ? stages : {};
}

/** The map with a stage's `cmd`, `deps` and `outs`: below `do` for a `foreach`. */
export function bodyOf(stage: Data): Data {
  return isRecord(stage.do) && 'foreach' in stage ? stage.do : stage;
}

interface IVars {
  vars: Data;
  varFiles: string[];
}

const VARS = new WeakMap<Value[], IVars>();

function readVars({ vars: list }: Data): IVars {
  if (!Array.isArray(list)) {
    return { vars: {}, varFiles: [] };
  }
  const cached = VARS.get(list);
  if (cached) {
    return cached;
  }
  const isFile = (item: Value): item is string => typeof item === 'string';
  const read = {
    vars: Object.assign({}, ...list.filter(isRecord)) as Data,
    varFiles: list.filter(isFile)
  };
  VARS.set(list, read);
  return read;
}

/** Last parsed stage, with its inputs. */
interface IReading {
  stage: IStage;
  folder: string;
  vars: Data;
  /** By the names in its templates. */
  values: ReadonlyMap<string, Value | undefined>;
}

const READINGS = new WeakMap<Data, IReading>();

/** Parses a stage, or returns the last one if its data and variables are unchanged. */
function stageFor(
  data: Data,
  folder: string,
  vars: Data,
  own: Pick<IStage, 'id' | 'line' | 'isEditable'>
): IStage {
  const cached = READINGS.get(data);
  const isSame =
    cached?.folder === folder &&
    cached.stage.id === own.id &&
    (cached.vars === vars ||
      [...cached.values].every(
        ([name, value]) => valueAt(vars, name) === value
      ));
  if (cached && isSame) {
    cached.vars = vars;
    const { line, isEditable } = cached.stage;
    if (line !== own.line || isEditable !== own.isEditable) {
      cached.stage = { ...cached.stage, ...own };
    }
    return cached.stage;
  }
  const values = new Map<string, Value | undefined>();
  const valueOf = (name: string): Value | undefined => {
    const value = valueAt(vars, name);
    values.set(name, value);
    return value;
  };
  const stage = { ...readStage(data, folder, valueOf), ...own };
  READINGS.set(data, { stage, folder, vars, values });
  return stage;
}

function readStage(
  stage: Data,
  folder: string,
  valueOf: (name: string) => Value | undefined
): Omit<IStage, 'id' | 'line' | 'isEditable'> {
  const body = bodyOf(stage);
  const own = readVars(stage).vars;
  const outer: IScope = { own: [own], valueOf };
  const variants = readVariants(stage, outer);
  const scopes = variants?.map(({ vars }): IScope => ({
    own: [vars, own],
    valueOf
  })) ?? [outer];
  const place = join(folder, fill(textOf(body.wdir) || '.', outer));
  const paths = (raw: string): string[] => [
    ...new Set(scopes.map(scope => join(place, fill(raw, scope))))
  ];
  const commands = [body.cmd]
    .flat()
    .filter((one): one is string => typeof one === 'string');
  const command =
    commands.length === 1
      ? parseCommand(commands[0], name => isDictionary(name, outer))
      : null;
  const at = isRecord(body.meta) ? body.meta.at : null;
  return {
    kind: variants ? 'sweep' : kindOf(commands, command),
    commands,
    command,
    component: command?.component ?? null,
    notebook: notebookOf(command, place, outer),
    args: (command?.component ? command.args : []).flatMap(({ name, values }) =>
      values.map(({ text }) => ({ name, raw: text, paths: paths(text) }))
    ),
    folder: place,
    deps: readPaths(body, ['deps'], paths),
    outs: readPaths(body, ['outs', 'metrics', 'plots'], paths),
    at: isPosition(at) ? at : null,
    description: textOf(body.desc),
    frozen: body.frozen === true,
    variants: variants?.map(one => one.name) ?? []
  };
}

function notebookOf(
  command: IComponentCommand | null,
  place: string,
  scope: IScope
): string | null {
  const file = command?.notebook ?? null;
  return file === null || file.startsWith('-') || file.startsWith('${')
    ? null
    : join(place, fill(file, scope));
}

function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value.trim() : '';
}

export function isPosition(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every(one => Number.isFinite(one))
  );
}

function readPaths(
  body: Data,
  lists: IPathEntry['list'][],
  paths: (raw: string) => string[]
): IPathEntry[] {
  return lists.flatMap(list => {
    const items = body[list];
    return (Array.isArray(items) ? items : []).flatMap((item, index) => {
      const raw = pathOf(item);
      return raw === null ? [] : [{ raw, paths: paths(raw), list, index }];
    });
  });
}

/** The path of an item of `deps` or `outs`: `path`, or `path: {cache: false}`. */
export function pathOf(item: Value): string | null {
  return typeof item === 'string'
    ? item
    : isRecord(item)
      ? (Object.keys(item)[0] ?? null)
      : null;
}

function kindOf(
  commands: string[],
  command: IComponentCommand | null
): NodeKind {
  if (command?.component) {
    return 'component';
  }
  // The program follows the change of directory, the assignments of variables and a launcher.
  const text = withoutLauncher(
    commands
      .join('\n')
      .trim()
      .replace(/^cd\s+('[^']*'|[^\s'"]+)\s+&&\s+/, '')
      .replace(/^env(\s+(?=['"]?\w+=)('[^']*'|"[^"]*"|[^\s'"])+)+\s+/, '')
  );
  if (/^(jupyter mlws notebook|papermill)\s/.test(text)) {
    return 'notebook';
  }
  const isScript =
    /^(\S*python[\d.]*|Rscript|julia|node|bash|sh)\s+(-\S+\s+)*('[^']*\.\w+'|\S+\.\w+)/.test(
      text
    );
  return commands.length === 1 && isScript ? 'script' : 'shell';
}

interface IVariant {
  name: string;
  vars: Data;
}

/** Minimum number of parsed variants of a large matrix: the limit of the server. */
const MAX_READ = 10_000;

/** Parses the `foreach` or `matrix` of a stage; null if it has neither. */
function readVariants(
  { foreach, matrix }: Data,
  scope: IScope
): IVariant[] | null {
  if (foreach !== undefined) {
    return foreachVariants(lookUp(foreach, scope));
  }
  return isRecord(matrix) ? matrixVariants(matrix, scope) : null;
}

function foreachVariants(over: Value | undefined): IVariant[] {
  if (Array.isArray(over)) {
    return over.map((item, index) => ({
      name:
        isRecord(item) || Array.isArray(item) ? String(index) : textFor(item),
      vars: { item, key: index }
    }));
  }
  return isRecord(over)
    ? Object.entries(over).map(([key, item]) => ({
        name: key,
        vars: { item, key }
      }))
    : [];
}

function matrixVariants(matrix: Data, scope: IScope): IVariant[] {
  let rows: { names: string[]; item: Data }[] = [{ names: [], item: {} }];
  for (const [axis, source] of Object.entries(matrix)) {
    const found = lookUp(source, scope);
    const values = Array.isArray(found) ? found : [];
    // A line of text can mean billions, which the server refuses.
    const most = Math.ceil(MAX_READ / values.length);
    rows = rows.slice(0, most).flatMap(row =>
      values.map((value, index) => ({
        names: [
          ...row.names,
          isRecord(value) || Array.isArray(value)
            ? `${axis}${index}`
            : textFor(value)
        ],
        item: { ...row.item, [axis]: value }
      }))
    );
  }
  return rows.map(({ names, item }) => ({
    name: names.join('-'),
    vars: { item, key: names.join('-') }
  }));
}
