import { type IWorkflow, stagesOf, withData } from './document';
import { changeBodies, compose, type Edit, stageOf } from './edits';
import { basename, dirname, pathPattern, relative } from './paths';
import { countMentions, renameMentions } from './templates';
import { type Data, isRecord, mapStrings, renameKey } from './values';
import { changeVars } from './variables';

/** Reason for which a name is invalid: by DVC's rules, reserved by the server, or in use. */
export type NameFault = 'shape' | 'reserved' | 'taken';

const NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_-]*$/u;

export function nameFault(
  { stages }: IWorkflow,
  id: string,
  name: string
): NameFault | null {
  if (!NAME.test(name)) {
    return 'shape';
  }
  if (name === 'workflow') {
    return 'reserved';
  }
  const isTaken = stages.some(stage => stage.id === name);
  return name !== id && isTaken ? 'taken' : null;
}

/**
 * Renames a stage.
 *
 * Its settings' variable is renamed too, unless another stage reads it. So are the files named
 * after the stage if all commands that read or write them name them: components name a model by its
 * file. The server finds the results under the new names.
 */
export function renameNode(id: string, name: string): Edit {
  return workflow => {
    if (nameFault(workflow, id, name)) {
      throw new Error(`"${name}" cannot be the name of a stage.`);
    }
    const data = renameFiles(id, name)(workflow);
    const stages = stagesOf(data);
    const isOwn =
      id in workflow.vars &&
      !(name in workflow.vars) &&
      countMentions(data, id) === countMentions(stages[id], id);
    const names = new Map(isOwn ? [[id, name]] : []);
    const renamed = mapStrings(stages[id], text => renameMentions(text, names));
    return {
      ...changeVars(data, item =>
        renameMembers(isOwn ? renameKey(item, id, name) : item, id, name)
      ),
      stages: renameKey({ ...stages, [id]: renamed }, id, name)
    };
  };
}

/** Renames a node in the frames of a map of `vars`. */
function renameMembers(item: Data, id: string, name: string): Data {
  const { workflow } = item;
  if (!isRecord(workflow) || !Array.isArray(workflow.frames)) {
    return item;
  }
  const frames = workflow.frames.map(frame =>
    isRecord(frame) && Array.isArray(frame.nodes)
      ? {
          ...frame,
          nodes: frame.nodes.map(one => (String(one) === id ? name : one))
        }
      : frame
  );
  return { ...item, workflow: { ...workflow, frames } };
}

/** Renames the files that are named after a stage, in the stage and its readers. */
function renameFiles(id: string, name: string): Edit {
  return workflow => {
    const { outs } = stageOf(workflow, id);
    const all = compose(
      ...outs.map(out =>
        renameFile(new Set(out.paths), text => newFile(text, id, name))
      )
    );
    const data = all(workflow);
    // A path may be written in a way that is not found, as by a template: all stay then.
    const filesOf = ({ stages }: IWorkflow): string[] =>
      stages
        .flatMap(({ outs, deps, args }) => [...outs, ...deps, ...args])
        .flatMap(one => one.paths);
    const own = new Set(outs.flatMap(out => out.paths));
    const target = filesOf(workflow).map(file =>
      own.has(file) ? (newFile(file, id, name) ?? file) : file
    );
    const files = filesOf(withData(workflow, data));
    return files.join('\n') === target.join('\n') ? data : workflow.data;
  };
}

/** Moves a file that a stage writes; its readers read it at its new path. */
export function moveOutput(path: string, to: string): Edit {
  return renameFile(new Set([path]), (_, folder) => relative(folder, to));
}

/** True if a file can be moved: nothing else has the path, and all commands name the file. */
export function canMoveOutput(
  workflow: IWorkflow,
  path: string,
  to: string
): boolean {
  return moveOutput(path, to)(workflow) !== workflow.data;
}

/**
 * Renames a file, or those of a sweep's variants; no edit if the name is in use, or a program
 * contains the file's name. `next` returns the new path in a folder.
 */
function renameFile(
  files: ReadonlySet<string>,
  next: (text: string, folder: string) => string | null
): Edit {
  return workflow => {
    const entries = workflow.stages.flatMap(stage =>
      [...stage.outs, ...stage.deps].map(({ raw, paths }) => ({
        stage,
        raw,
        paths
      }))
    );
    const paths = new Set(entries.flatMap(one => one.paths));
    const uses = entries.filter(one => one.paths.some(path => files.has(path)));
    const isRenamable =
      ![...files].some(file => paths.has(next(file, '') ?? '')) &&
      uses.every(
        ({ stage, raw }) =>
          stage.isEditable &&
          stage.commands.some(command => pathPattern(raw).test(command))
      );
    if (!isRenamable) {
      return workflow.data;
    }
    const rename = (raws: string[], folder: string, text: string): string =>
      raws.reduce((now, raw) => {
        const path = next(raw, folder);
        return path ? now.replace(pathPattern(raw), () => path) : now;
      }, text);
    const data = changeBodies(
      new Set(uses.map(({ stage }) => stage.id)),
      (body, stage) => {
        const raws = uses
          .filter(use => use.stage === stage)
          .map(({ raw }) => raw);
        return mapStrings(body, text =>
          rename([...new Set(raws)], stage.folder, text)
        );
      }
    )(workflow);
    // Paths as the file writes them, relative to its folder.
    const folder = dirname(workflow.path);
    const listPaths = [...files].map(file => relative(folder, file));
    const lists = ['plots', 'metrics', 'artifacts'].filter(key => key in data);
    return {
      ...data,
      ...Object.fromEntries(
        lists.map(key => [
          key,
          mapStrings(data[key], text => rename(listPaths, folder, text))
        ])
      )
    };
  };
}

/** Renames a path that is named after a stage; null for other paths. */
export function newFile(path: string, id: string, name: string): string | null {
  const file = basename(path);
  return file === id || file.startsWith(`${id}.`)
    ? path.slice(0, path.length - file.length) + name + file.slice(id.length)
    : null;
}
