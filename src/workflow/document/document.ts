import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Node,
  type Scalar,
  type YAMLMap
} from 'yaml';

import { parseCommand, type IComponentCommand } from './command';
import { parseParts, type IPartedText } from './parts';
import { dirname, join } from './paths';
import {
  contentEnd,
  entryOf,
  startOf,
  type Entry,
  type ISource
} from './ranges';
import type { Value } from './scalars';

export type NodeKind = 'component' | 'notebook' | 'script' | 'shell' | 'sweep';

/** A dependency or an output, as a list of the stage holds it. */
export interface IPathEntry {
  /** As written. */
  raw: string;
  /** From the project's root, with templates filled in; of a sweep one for each variant. */
  paths: string[];
  list: 'deps' | 'outs' | 'metrics' | 'plots';
  index: number;
}

/** `--name path` in a component's command. */
export interface IPathArgument {
  name: string;
  raw: string;
  paths: string[];
}

export interface IStage {
  id: string;
  kind: NodeKind;
  /** As written, one after the other. */
  commands: string[];
  /** Set where the command is a component's or a notebook's. */
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
  /** The variants' names of a sweep, when they can be told from the file. */
  variants: string[];
  /** False where an alias stands for the stage: an edit would change others as well. */
  isEditable: boolean;
}

/** Why a text is no workflow: it is no YAML, or not of the shape. */
export type IParseError = { line: number } & (
  | { kind: 'yaml'; message: string }
  | { kind: 'root' }
  | { kind: 'stages' }
  | { kind: 'stage'; name: string }
);

/** What a `dvc.yaml` says, with what an edit needs to know of its text. */
export interface IWorkflowDocument {
  source: ISource;
  /** From the project's root. */
  path: string;
  title: string;
  vars: Record<string, Value>;
  /** Names of files with more variables. */
  varFiles: string[];
  stages: IStage[];
}

export type ParseResult =
  | { document: IWorkflowDocument; error: null }
  | { document: null; error: IParseError };

/**
 * Reads the text of a `dvc.yaml`; `path` is the file's, from the project's root.
 *
 * `before` is an earlier text of the file: only what differs from it is parsed.
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
  const source = { text, lineOf, ...parsed, ...layoutOf(text, parsed) };
  const wrong = misshapen(source);
  return wrong
    ? { document: null, error: wrong }
    : { document: read(source, path), error: null };
}

/** The text's own habits of line ends and indentation. */
function layoutOf(
  text: string,
  parsed: IPartedText
): Pick<ISource, 'eol' | 'step' | 'listStep'> {
  const eol = /\r\n/.test(text) ? '\r\n' : '\n';
  const nested = /^([^\s#-][^\n]*):[ \t]*(?:#[^\n]*)?\r?\n( +)[^\s#-]/m.exec(
    text
  );
  const list = /^( *)([^\s#-][^\n]*):[ \t]*(?:#[^\n]*)?\r?\n( *)- /gm;
  let listStep = 0;
  const stages = entryOf(parsed.yaml.contents, 'stages');
  list.lastIndex = stages ? startOf(parsed, stages.key) : 0;
  const found = list.exec(text);
  if (found) {
    listStep = Math.max(0, found[3].length - found[1].length);
  }
  return { eol, step: nested ? nested[2].length : 2, listStep };
}

function misshapen(source: ISource): IParseError | null {
  const root = source.yaml.contents as Node | null;
  const lineOf = (node: Node): number => source.lineOf(startOf(source, node));
  if (!root || (isScalar(root) && root.value === null)) {
    return null;
  }
  if (!isMap(root)) {
    return { kind: 'root', line: lineOf(root) };
  }
  const stages = entryOf(root, 'stages')?.value ?? null;
  if (isMap(stages)) {
    const bad = (stages.items as Entry[]).find(
      pair => !isMap(resolve(source, pair.value))
    );
    return bad
      ? { kind: 'stage', name: String(bad.key.value), line: lineOf(bad.key) }
      : null;
  }
  const isAbsent = !stages || (isScalar(stages) && stages.value === null);
  return isAbsent ? null : { kind: 'stages', line: lineOf(stages) };
}

/** Follows an alias to what it stands for. */
export function resolve(source: ISource, node: Node | null): Node | null {
  return isAlias(node)
    ? ((node.resolve(source.yaml) as Node | null) ?? null)
    : node;
}

function read(source: ISource, path: string): IWorkflowDocument {
  const { vars, varFiles } = readVars(source, source.yaml.contents);
  const workflow = vars.workflow;
  const title =
    isRecord(workflow) && typeof workflow.name === 'string'
      ? workflow.name
      : '';
  const stages = entryOf(source.yaml.contents, 'stages')?.value;
  const pairs = isMap(stages) ? (stages.items as Entry[]) : [];
  return {
    source,
    path,
    title,
    vars,
    varFiles,
    stages: pairs.map(pair => stageFor(source, pair, dirname(path), vars))
  };
}

/** A stage as it was read last, and what it was read with. */
interface IReading {
  stage: IStage;
  folder: string;
  /** By the names in its templates. */
  values: ReadonlyMap<string, Value | undefined>;
}

const READINGS = new WeakMap<Entry, IReading>();

/** The stage of a pair, read only where the pair or a variable that it uses is another one. */
function stageFor(
  source: ISource,
  pair: Entry,
  folder: string,
  globals: Vars
): IStage {
  const line = source.lineOf(startOf(source, pair.key));
  const known = READINGS.get(pair);
  const isSame =
    known?.folder === folder &&
    [...known.values].every(
      ([name, value]) => valueAt(globals, name) === value
    );
  if (known && isSame) {
    if (known.stage.line !== line) {
      known.stage = { ...known.stage, line };
    }
    return known.stage;
  }
  const values = new Map<string, Value | undefined>();
  const valueOf = (name: string): Value | undefined => {
    const value = valueAt(globals, name);
    values.set(name, value);
    return value;
  };
  const stage = { ...readStage(source, pair, folder, valueOf), line };
  READINGS.set(pair, { stage, folder, values });
  return stage;
}

export function isRecord(value: unknown): value is Record<string, Value> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function readVars(
  source: ISource,
  map: unknown
): { vars: Record<string, Value>; varFiles: string[] } {
  const vars: Record<string, Value> = {};
  const varFiles: string[] = [];
  const list = entryOf(map, 'vars')?.value;
  for (const item of isSeq(list) ? list.items : []) {
    const value = valueFor(source, item as Node);
    if (isRecord(value)) {
      Object.assign(vars, value);
    } else if (typeof value === 'string') {
      varFiles.push(value);
    }
  }
  return { vars, varFiles };
}

const VALUES = new WeakMap<Node, Value>();

/** The value of an item of `vars`: the same object as long as the item is the same. */
function valueFor(source: ISource, item: Node): Value {
  const known = VALUES.get(item);
  if (known !== undefined) {
    return known;
  }
  const value = item.toJS(source.yaml) as Value;
  VALUES.set(item, value);
  return value;
}

/** The map with a stage's `cmd`, `deps` and `outs`: below `do` for a `foreach`. */
export function bodyOf(source: ISource, pair: Entry): YAMLMap | null {
  const map = resolve(source, pair.value);
  const inner = entryOf(map, 'do');
  const body =
    inner && entryOf(map, 'foreach') ? resolve(source, inner.value) : map;
  return isMap(body) ? (body as YAMLMap) : null;
}

export function stageEntry(source: ISource, id: string): Entry | null {
  return entryOf(entryOf(source.yaml.contents, 'stages')?.value, id);
}

function readStage(
  source: ISource,
  pair: Entry,
  folder: string,
  valueOf: (name: string) => Value | undefined
): Omit<IStage, 'line'> {
  const id = String(pair.key.value);
  const stage = resolve(source, pair.value) as YAMLMap;
  const body = bodyOf(source, pair) ?? stage;
  const own = readVars(source, stage).vars;
  const outer: IScope = { own: [own], valueOf };
  const variants = readVariants(source, stage, outer);
  const scopes = variants?.map(({ vars }): IScope => ({
    own: [vars, own],
    valueOf
  })) ?? [outer];
  const place = join(folder, fill(textOf(source, body, 'wdir') || '.', outer));
  const paths = (raw: string): string[] => [
    ...new Set(scopes.map(scope => join(place, fill(raw, scope))))
  ];
  const commands = readCommands(source, body);
  const command =
    commands.length === 1
      ? parseCommand(commands[0], name => isDictionary(name, outer))
      : null;
  return {
    id,
    kind: variants ? 'sweep' : kindOf(commands, command),
    commands,
    command,
    component: command?.component ?? null,
    notebook: notebookOf(command, place, outer),
    args: (command?.component ? command.args : []).flatMap(({ name, values }) =>
      values.map(({ text }) => ({ name, raw: text, paths: paths(text) }))
    ),
    folder: place,
    deps: readPaths(source, body, ['deps'], paths),
    outs: readPaths(source, body, ['outs', 'metrics', 'plots'], paths),
    at: readPlace(source, body),
    description: textOf(source, body, 'desc'),
    frozen: toJS(source, body, 'frozen') === true,
    variants: variants?.map(one => one.name) ?? [],
    isEditable: !isAlias(pair.value) && !isAlias(entryOf(stage, 'do')?.value)
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

function toJS(source: ISource, map: unknown, key: string): unknown {
  return entryOf(map, key)?.value?.toJS(source.yaml);
}

function textOf(source: ISource, map: unknown, key: string): string {
  const value = toJS(source, map, key);
  return typeof value === 'string' ? value.trim() : '';
}

function readCommands(source: ISource, body: YAMLMap): string[] {
  const value = toJS(source, body, 'cmd');
  return (Array.isArray(value) ? value : [value]).filter(
    (one): one is string => typeof one === 'string'
  );
}

function readPlace(source: ISource, body: YAMLMap): [number, number] | null {
  const meta = toJS(source, body, 'meta');
  const at = isRecord(meta) ? meta.at : null;
  return Array.isArray(at) &&
    at.length === 2 &&
    at.every(one => Number.isFinite(one))
    ? [Number(at[0]), Number(at[1])]
    : null;
}

function readPaths(
  source: ISource,
  body: YAMLMap,
  lists: IPathEntry['list'][],
  paths: (raw: string) => string[]
): IPathEntry[] {
  return lists.flatMap(list => {
    const value = toJS(source, body, list);
    return (Array.isArray(value) ? value : []).flatMap(
      (item: unknown, index) => {
        const raw =
          typeof item === 'string'
            ? item
            : isRecord(item)
              ? Object.keys(item)[0]
              : null;
        return raw === null || raw === undefined
          ? []
          : [{ raw, paths: paths(raw), list, index }];
      }
    );
  });
}

function kindOf(
  commands: string[],
  command: IComponentCommand | null
): NodeKind {
  if (command?.component) {
    return 'component';
  }
  // Behind the folder that it goes to and the variables that it sets is what it runs.
  const text = commands
    .join('\n')
    .trim()
    .replace(/^cd\s+('[^']*'|[^\s'"]+)\s+&&\s+/, '')
    .replace(/^env(\s+(?=['"]?\w+=)('[^']*'|"[^"]*"|[^\s'"])+)+\s+/, '');
  if (/^(jupyter mlws notebook|papermill)\s/.test(text)) {
    return 'notebook';
  }
  const isScript =
    /^(\S*python[\d.]*|Rscript|julia|node|bash|sh)\s+(-\S+\s+)*('[^']*\.\w+'|\S+\.\w+)/.test(
      text
    );
  return commands.length === 1 && isScript ? 'script' : 'shell';
}

type Vars = Record<string, Value>;
/** The variables of a stage and of a variant, the innermost first, in front of those of the file. */
interface IScope {
  own: readonly Vars[];
  valueOf: (name: string) => Value | undefined;
}

interface IVariant {
  name: string;
  vars: Vars;
}

/** What `foreach` or `matrix` makes of a stage; null where it is a single one. */
function readVariants(
  source: ISource,
  stage: YAMLMap,
  scope: IScope
): IVariant[] | null {
  const foreach = toJS(source, stage, 'foreach') as Value | undefined;
  const matrix = toJS(source, stage, 'matrix') as Value | undefined;
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

function matrixVariants(
  matrix: Record<string, Value>,
  scope: IScope
): IVariant[] {
  let rows: { names: string[]; item: Record<string, Value> }[] = [
    { names: [], item: {} }
  ];
  for (const [axis, written] of Object.entries(matrix)) {
    const values = lookUp(written, scope);
    rows = rows.flatMap(row =>
      (Array.isArray(values) ? values : []).map((value, index) => ({
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

/** The value behind a lone `${name}`; anything else is itself. */
function lookUp(value: Value, scope: IScope): Value | undefined {
  const name =
    typeof value === 'string' ? /^\$\{\s*([^}]+?)\s*\}$/.exec(value) : null;
  return name ? valueIn(scope, name[1]) : value;
}

/** Follows a template's name, such as `train.optim.lr` or `list[0]`. */
export function valueAt(
  vars: Record<string, Value>,
  name: string
): Value | undefined {
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

function isDictionary(name: string, scope: IScope): boolean | null {
  const value = valueIn(scope, name);
  return value === undefined ? null : isRecord(value);
}

/** Fills templates in; those that this file can't tell stay. */
function fill(text: string, scope: IScope): string {
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

/** The scalar of a stage's only command. */
export function commandNode(source: ISource, body: YAMLMap): Scalar | null {
  const value = entryOf(body, 'cmd')?.value ?? null;
  const node =
    isSeq(value) && value.items.length === 1 ? (value.items[0] as Node) : value;
  return isScalar(node) && typeof node.value === 'string' ? node : null;
}

/** The part of the text in which a scalar's words stand as they are; null where escapes change them. */
export function rawSpan(
  source: ISource,
  node: Scalar
): { start: number; end: number } | null {
  const start = startOf(source, node);
  const end = contentEnd(source, node);
  if (node.type === 'PLAIN') {
    return { start, end };
  }
  const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
  return isBlock ? { start: source.text.indexOf('\n', start) + 1, end } : null;
}
