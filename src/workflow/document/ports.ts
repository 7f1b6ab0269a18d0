import { addWords, quoteWord } from './command';
import {
  changeBodies,
  changeBody,
  compose,
  type Edit,
  stageOf,
  withArguments,
  withItem,
  withoutItems
} from './edits';
import { setFileInput, withoutFiles } from './nodes';
import { dirname, join, relative } from './paths';

/** Change of a port; `previous` is its present name, null for a new port. */
export interface IPortChange {
  name: string;
  type: string;
  previous?: string | null;
}

/** The ports of a component before and after a change of its code. */
export interface IPortsChange {
  /** Names and types by side, before the change. */
  before: Record<Side, readonly { name: string; type: string }[]>;
  after: Record<Side, readonly IPortChange[]>;
}

type Side = 'inputs' | 'outputs';

/** The extension of an output's file, by the type of the port. */
export const EXTENSIONS: Readonly<Record<string, string>> = {
  Table: '.parquet',
  Model: '.skops',
  Metrics: '.json',
  Figure: '.png',
  Text: '.txt',
  Folder: '',
  File: '.bin'
};

export const PORT_TYPES: readonly string[] = Object.keys(EXTENSIONS);

/** Follows a change of a component's ports in a node: its arguments, files and connections. */
export function changePorts(id: string, { before, after }: IPortsChange): Edit {
  const stays = (side: Side, { name, type }: { name: string; type: string }) =>
    after[side].some(
      port =>
        port.previous === name && (side === 'inputs' || port.type === type)
    );
  const isNewFile = ({ previous, type }: IPortChange): boolean =>
    !before.outputs.some(port => port.name === previous && port.type === type);
  const names = new Map(
    [...after.inputs, ...after.outputs.filter(port => !isNewFile(port))]
      .filter(({ name, previous }) => previous !== null && previous !== name)
      .map(({ name, previous }): [string, string] => [previous!, name])
  );
  return compose(
    ...before.inputs
      .filter(port => !stays('inputs', port))
      .map(({ name }) => setFileInput(id, name, '')),
    ...before.outputs
      .filter(port => !stays('outputs', port))
      .map(({ name }) => removeOutput(id, name)),
    renameArguments(id, names),
    ...after.outputs
      .filter(isNewFile)
      .map(({ name, type }) => addOutput(id, name, type))
  );
}

/** Removes the file of an output port, and its connections. */
function removeOutput(id: string, port: string): Edit {
  return workflow => {
    const { args, outs } = stageOf(workflow, id);
    const isOwn = (arg: { name: string }): boolean => arg.name === port;
    const files = new Set(args.filter(isOwn).flatMap(arg => arg.paths));
    const isGone = ({ paths }: { paths: string[] }): boolean =>
      paths.some(path => files.has(path));
    const readers = workflow.stages
      .filter(one => one.id !== id && one.isEditable && one.deps.some(isGone))
      .map(stage => stage.id);
    return compose(
      changeBodies(readers, (body, stage) =>
        withoutFiles(body, stage, isGone, isGone)
      ),
      changeBody(id, (body, stage) =>
        ['outs', 'metrics', 'plots'].reduce(
          (rest, list) =>
            withoutItems(
              rest,
              list,
              new Set(
                outs
                  .filter(out => out.list === list && isGone(out))
                  .map(out => out.index)
              )
            ),
          withoutFiles(body, stage, () => false, isOwn)
        )
      )
    )(workflow);
  };
}

function addOutput(id: string, port: string, type: string): Edit {
  return workflow => {
    const file = `${id}.${port}${EXTENSIONS[type] ?? ''}`;
    const path = join(join(dirname(workflow.path), 'out'), file);
    return changeBody(id, (body, stage) => {
      const text = relative(stage.folder, path);
      const list = type === 'Metrics' ? 'metrics' : 'outs';
      return withArguments(withItem(body, list, text), stage, command =>
        addWords(command, `--${port} ${quoteWord(text)}`)
      );
    })(workflow);
  };
}

function renameArguments(id: string, names: ReadonlyMap<string, string>): Edit {
  return names.size === 0
    ? workflow => workflow.data
    : changeBody(id, (body, stage) =>
        withArguments(body, stage, ({ text, args }) =>
          args.reduceRight((rest, { name, flag }) => {
            const next = names.get(name);
            const end = flag.start + `--${name}`.length;
            return next !== undefined &&
              rest.slice(flag.start, end) === `--${name}`
              ? `${rest.slice(0, flag.start)}--${next}${rest.slice(end)}`
              : rest;
          }, text)
        )
      );
}
