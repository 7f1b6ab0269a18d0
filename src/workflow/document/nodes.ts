import { addWords, quoteWord, removeValues } from './command';
import {
  type IPathEntry,
  type IStage,
  type IWorkflow,
  stagesOf
} from './document';
import {
  changeBodies,
  changeBody,
  type Edit,
  stageOf,
  withArguments,
  withItem,
  withoutItems
} from './edits';
import { dirname, join, relative } from './paths';
import { type Data, removeIn, setIn } from './values';
import { removeUnused } from './variables';

/** A node by its command; paths are from the project's root. */
export interface ICommandNode {
  id: string;
  cmd: string;
  deps?: string[];
  outs?: string[];
  metrics?: string[];
  at: [number, number];
}

/** A new node of a component, with its outputs and its position. */
export interface INewNode {
  id: string;
  component: string;
  outputs: { name: string; type: string; extension: string }[];
  /** From the project's root. */
  deps?: string[];
  at: [number, number];
}

/** An unused name for a new node, also unlike variables and files of other stages. */
export function freeId(
  { stages, vars }: IWorkflow,
  base: string,
  others: Iterable<string> = []
): string {
  const stem =
    base.replace(/[^\p{L}\p{N}_]+/gu, '_').replace(/^_+|_+$/g, '') || 'node';
  const names = new Set([
    'workflow',
    ...others,
    ...stages.map(stage => stage.id),
    ...Object.keys(vars),
    // A renamed node keeps its files, so that a new node of the old name would write them again.
    ...stages
      .flatMap(stage => stage.outs)
      .flatMap(out => /(?:^|\/)out\/([^/.]+)\./.exec(out.raw)?.[1] ?? [])
  ]);
  let id = stem;
  for (let count = 2; names.has(id); count += 1) {
    id = `${stem}_${count}`;
  }
  return id;
}

/** Adds a component's node at the end, with a new file for every output. */
export function addNode({
  id,
  component,
  outputs,
  deps = [],
  at
}: INewNode): Edit {
  return workflow => {
    const folder = join(dirname(workflow.path), 'out');
    const files = outputs.map(({ name, type, extension }) => ({
      name,
      isMetrics: type === 'Metrics',
      path: `${folder}/${id}.${name}${extension}`
    }));
    const words = files.map(({ name, path }) => `--${name} ${quoteWord(path)}`);
    return addCommandNode({
      id,
      cmd: ['jupyter mlws node', quoteWord(component), ...words].join(' '),
      deps,
      outs: files.filter(one => !one.isMetrics).map(one => one.path),
      metrics: files.filter(one => one.isMetrics).map(one => one.path),
      at
    })(workflow);
  };
}

/** Adds a command's node at the end; it runs in the project's root. */
export function addCommandNode(node: ICommandNode): Edit {
  const { id, cmd, at, ...lists } = node;
  return ({ data, path }) => {
    const wdir = relative(dirname(path), '');
    const stage = Object.entries({
      ...(wdir === '.' ? {} : { wdir }),
      cmd,
      ...lists,
      meta: { at: at.map(Math.round) }
    }).filter(([, value]) => !Array.isArray(value) || value.length > 0);
    return setIn(data, ['stages', id], Object.fromEntries(stage));
  };
}

/** Removes nodes with their settings and the connections from them. */
export function removeNodes(ids: ReadonlySet<string>): Edit {
  return workflow => {
    const { stages } = workflow;
    if (ids.size === 0) {
      return workflow.data;
    }
    const files = new Set(
      stages
        .filter(stage => ids.has(stage.id))
        .flatMap(stage => stage.outs.flatMap(out => out.paths))
    );
    const data = leaveFiles(files, ids)(workflow);
    const rest = Object.entries(stagesOf(data)).filter(([id]) => !ids.has(id));
    return removeUnused({ ...data, stages: Object.fromEntries(rest) }, ids);
  };
}

/** Disconnects files from their readers, except some nodes. */
export function leaveFiles(
  files: ReadonlySet<string>,
  others: ReadonlySet<string> = new Set()
): Edit {
  return workflow => {
    const reads = ({ paths }: { paths: string[] }): boolean =>
      paths.some(path => files.has(path));
    const users = workflow.stages
      .filter(
        one => !others.has(one.id) && one.isEditable && one.deps.some(reads)
      )
      .map(stage => stage.id);
    return changeBodies(users, (body, stage) =>
      withoutFiles(body, stage, reads, reads)
    )(workflow);
  };
}

/** Writes the positions of nodes on the canvas. */
export function moveNodes(
  positions: ReadonlyMap<string, [number, number]>
): Edit {
  return changeBodies([...positions.keys()], (body, { id, at }) => {
    const [x, y] = positions.get(id)!.map(Math.round);
    const isThere = at && at[0] === x && at[1] === y;
    return isThere ? body : setIn(body, ['meta', 'at'], [x, y]);
  });
}

/** Gives all positions back to the automatic layout. */
export function forgetPositions(workflow: IWorkflow): Data {
  const ids = workflow.stages
    .filter(stage => stage.at && stage.isEditable)
    .map(stage => stage.id);
  return changeBodies(ids, body => removeIn(body, ['meta', 'at']))(workflow);
}

// Connections

export interface IConnection {
  source: string;
  /** Path of a source's output, from the project's root. */
  path: string;
  target: string;
  /** Null for nodes that are not components: they get only the dependency. */
  port: string | null;
  /** Files that the port read so far and that the connection replaces. */
  replaces?: string[];
}

/** Adds an output to the target's dependencies, and passes its path to the port. */
export function connect(connection: IConnection): Edit {
  const { source, path, target, port, replaces = [] } = connection;
  return workflow => {
    const { folder } = stageOf(workflow, target);
    const from = workflow.stages.find(stage => stage.id === source);
    const out = from?.outs.find(one => one.paths.includes(path));
    // As written in the source, with templates, if both run in the same folder.
    const isSameText = from?.folder === folder && out?.paths.length === 1;
    const pathText = isSameText ? out!.raw : relative(folder, path);
    return replaceFiles(target, port, replaces, path, pathText)(workflow);
  };
}

/** Removes a path from a port, and the dependency with its last use. */
export function disconnect(
  connection: Pick<IConnection, 'path' | 'target' | 'port'>
): Edit {
  return replaceFiles(connection.target, connection.port, [connection.path]);
}

/** Sets the file that an input reads; an empty path removes it. */
export function setFileInput(id: string, port: string, path: string): Edit {
  return workflow => {
    const { args } = stageOf(workflow, id);
    const old = args.filter(arg => arg.name === port).flatMap(arg => arg.paths);
    return replaceFiles(id, port, old, path || undefined)(workflow);
  };
}

/** Adds a file that a command reads. */
export function addInput(id: string, path: string): Edit {
  return replaceFiles(id, null, [], path);
}

/** Replaces files that a port reads: the dependencies, and the arguments that pass them. */
function replaceFiles(
  id: string,
  port: string | null,
  oldPaths: readonly string[],
  path?: string,
  text?: string
): Edit {
  return changeBody(id, (body, stage) => {
    const others = stage.args.filter(arg => arg.name !== port);
    const used = new Set(others.flatMap(arg => arg.paths));
    const isGone = ({ paths }: IPathEntry): boolean =>
      paths.some(one => oldPaths.includes(one) && !used.has(one));
    const rest = withoutFiles(
      body,
      stage,
      isGone,
      arg =>
        (port === null || arg.name === port) &&
        arg.paths.some(one => oldPaths.includes(one))
    );
    if (path === undefined) {
      return rest;
    }
    const pathText = text ?? relative(stage.folder, path);
    const isKnown = stage.deps.some(
      dep => dep.paths.includes(path) && !isGone(dep)
    );
    // At the position of the first removed dependency.
    const at = stage.deps.find(isGone)?.index;
    const next = isKnown ? rest : withItem(rest, 'deps', pathText, at);
    return port === null
      ? next
      : withArguments(next, stage, command =>
          addWords(command, `--${port} ${quoteWord(pathText)}`)
        );
  });
}

/** A body without some dependencies, and without the arguments that pass them on. */
export function withoutFiles(
  body: Data,
  stage: IStage,
  isGone: (dep: IPathEntry) => boolean,
  isArgument: (argument: IStage['args'][number]) => boolean
): Data {
  const indices = new Set(stage.deps.filter(isGone).map(dep => dep.index));
  const words = new Set(
    stage.args.filter(isArgument).map(arg => `${arg.name} ${arg.raw}`)
  );
  const next = withoutItems(body, 'deps', indices);
  return words.size === 0
    ? next
    : withArguments(next, stage, command =>
        removeValues(command, (name, value) => words.has(`${name} ${value}`))
      );
}
