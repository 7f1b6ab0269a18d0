/** The environment of a node: the launcher in its command, and the lock among its dependencies. */

import { launcherOf, quoteWord, splitWords, withoutLauncher } from './command';
import type { IStage } from './document';
import { changeBody, type Edit, withItem, withoutItems } from './edits';
import { relative } from './paths';

/** Environment that a project defines; paths are from its root. */
export interface IEnvironment {
  name: string;
  tool: 'uv' | 'requirements' | 'pixi' | 'conda';
  files: readonly string[];
  lock: string | null;
  prefix: string;
}

const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/** The file whose change reruns the nodes of an environment. */
export function lockOf({ lock, files }: IEnvironment): string {
  return lock ?? files[0];
}

/** The start of a command in `folder` that runs in an environment, as plain `dvc repro` does. */
export function launcher(
  { tool, files, lock, prefix }: IEnvironment,
  folder: string
): string {
  const path = (place: string): string => quoteWord(relative(folder, place));
  switch (tool) {
    case 'uv': {
      const home = path(files[0].replace(/\/?[^/]*$/, ''));
      return `uv run ${lock === null ? '' : '--frozen '}--project ${home}`;
    }
    case 'requirements':
      return `uv run --no-project --python ${path(`${prefix}/bin/python`)}`;
    case 'pixi':
      return `pixi run --frozen --manifest-path ${path(files[0])}`;
    case 'conda':
      return `conda run --no-capture-output --prefix ${path(prefix)}`;
  }
}

/** The launcher of a stage's first command, as it is written; empty without one. */
export function launcherText({ commands }: Pick<IStage, 'commands'>): string {
  const words = launcherOf(commands[0] ?? '');
  return words.map(word => quoteWord(word.text)).join(' ');
}

/** Runs a stage in an environment of the project, or without one (null). */
export function setEnvironment(
  id: string,
  environment: IEnvironment | null,
  all: readonly IEnvironment[]
): Edit {
  return changeBody(id, (body, { folder, deps }) => {
    // DVC runs each line of a text as a command.
    const change = (text: string): string =>
      text.replace(/^.*\S.*$/gm, line =>
        inEnvironment(line, environment, folder)
      );
    const { cmd } = body;
    const locks = new Set(all.map(lockOf));
    const stale = deps
      .filter(dep => dep.paths.some(path => locks.has(path)))
      .map(dep => dep.index);
    const rest = withoutItems(body, 'deps', new Set(stale));
    const changed = {
      ...rest,
      cmd: Array.isArray(cmd)
        ? cmd.map(line => change(String(line)))
        : change(String(cmd))
    };
    return environment
      ? withItem(changed, 'deps', relative(folder, lockOf(environment)))
      : changed;
  });
}

function inEnvironment(
  line: string,
  environment: IEnvironment | null,
  folder: string
): string {
  const program = withoutShell(withoutLauncher(line), line);
  if (environment === null) {
    return program;
  }
  const words = splitWords(program);
  const start = launcher(environment, folder);
  if (words === null) {
    // A launcher starts a program: pipes and lists need a shell.
    return `${start} sh -c ${quoteWord(program)}`;
  }
  const env = ASSIGNMENT.test(words[0].text) ? 'env ' : '';
  return `${start} ${env}${program.trimStart()}`;
}

/** The text of the shell that {@link inEnvironment} added behind a launcher. */
function withoutShell(program: string, line: string): string {
  const words = program === line ? null : splitWords(program);
  return words?.length === 3 && words[0].text === 'sh' && words[1].text === '-c'
    ? words[2].text
    : program;
}
