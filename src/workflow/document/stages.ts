import { quoteWord } from './command';
import type { IPathEntry, IWorkflow } from './document';
import {
  changeBodies,
  changeBody,
  type Edit,
  withItem,
  withKey,
  withoutItems
} from './edits';
import type { ICommandNode } from './nodes';
import { basename, dirname, join, relative } from './paths';
import { removeIn } from './values';

const RUNNERS: Record<string, string> = {
  ipynb: 'jupyter mlws notebook',
  py: 'python',
  r: 'Rscript',
  jl: 'julia',
  js: 'node',
  sh: 'bash'
};

/** The program that runs a file; null if it is neither a script nor a notebook. */
export function runnerOf(path: string): string | null {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1].toLowerCase() ?? '';
  return RUNNERS[extension] ?? null;
}

/** A node's name after the file that it runs. */
export function nameOf(path: string): string {
  return basename(path).replace(/\.[^.]*$/, '');
}

/** The node that runs a script or a notebook; paths are from the project's root. */
export function fileNode(
  { path }: IWorkflow,
  id: string,
  file: string,
  at: [number, number]
): ICommandNode {
  const cmd = `${runnerOf(file)} ${quoteWord(file)}`;
  if (!file.endsWith('.ipynb')) {
    return { id, cmd, deps: [file], at };
  }
  const out = join(dirname(path), `out/${id}.ipynb`);
  const command = `${cmd} --out ${quoteWord(out)}`;
  return { id, cmd: command, deps: [file], outs: [out], at };
}

/** Sets the command of a stage; several lines are commands run in order. */
export function setCommand(id: string, text: string): Edit {
  return changeBody(id, (body, { commands }) => {
    const { cmd } = body;
    const lines = text.split('\n');
    if (commands.join('\n') === text) {
      return body;
    }
    if (cmd === undefined) {
      return { cmd: text, ...body };
    }
    if (Array.isArray(cmd) && cmd.length === lines.length) {
      return { ...body, cmd: lines };
    }
    const before = typeof cmd === 'string' ? cmd : '';
    const isText = before.trimEnd().includes('\n') || lines.length === 1;
    return { ...body, cmd: isText ? text + /\n*$/.exec(before)![0] : lines };
  });
}

export type OutputList = 'outs' | 'metrics' | 'plots';

/** Adds an output file to a list of a stage. */
export function addOutput(
  id: string,
  path: string,
  list: OutputList = 'outs'
): Edit {
  return changeBody(id, (body, { folder, outs }) =>
    outs.some(out => out.paths.includes(path))
      ? body
      : withItem(body, list, relative(folder, path))
  );
}

/** Takes a file off the list of a command that it is in. */
export function removeFile(
  id: string,
  { list, index }: Pick<IPathEntry, 'list' | 'index'>
): Edit {
  return changeBody(id, body => withoutItems(body, list, new Set([index])));
}

/** Freezes stages, so that their results stay as they are, or thaws them. */
export function setFrozen(ids: ReadonlySet<string>, frozen: boolean): Edit {
  return workflow => {
    const stages = workflow.stages.filter(
      one => ids.has(one.id) && one.isEditable && one.frozen !== frozen
    );
    return changeBodies(
      stages.map(stage => stage.id),
      body =>
        frozen ? withKey(body, 'frozen', true) : removeIn(body, ['frozen'])
    )(workflow);
  };
}

/** Gives a stage a title, its `desc`; an empty text removes it. */
export function setTitle(id: string, title: string): Edit {
  return changeBody(id, body =>
    title === '' ? removeIn(body, ['desc']) : withKey(body, 'desc', title)
  );
}
