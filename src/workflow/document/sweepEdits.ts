import { addWords } from './command';
import type { IPathEntry } from './document';
import {
  changeBody,
  compose,
  type Edit,
  EditError,
  stageOf,
  withArguments,
  withCommand
} from './edits';
import { withoutFiles } from './nodes';
import { relative } from './paths';
import {
  axesOf,
  axisKey,
  groupOf,
  type IAxis,
  type IReading,
  isKeyed,
  isSameFile,
  isTemplate,
  type ISweepOptions,
  itemsOf,
  mention,
  names,
  newGroup,
  type Point
} from './sweep';
import { textFor } from './templates';
import {
  type Data,
  escapePattern,
  isRecord,
  mapStrings,
  removeIn,
  setIn,
  type Value
} from './values';
import { setSetting } from './variables';

/** Suffix that makes an entry for each variant: DVC's name of the variant. */
const KEY = '.${key}';

/**
 * Makes a stage a sweep over a grid of values; without axes a sweep becomes a plain stage.
 *
 * Each variant writes separate files. A stage that reads one of them becomes a sweep of the same
 * variants; an input that takes several files gets those of all.
 */
export function setSweep(
  id: string,
  axes: readonly IAxis[],
  options: ISweepOptions
): Edit {
  return workflow => {
    const stage = stageOf(workflow, id);
    const isSweep = stage.kind === 'sweep';
    if (!isSweep && axes.length === 0) {
      return workflow.data;
    }
    const group = isSweep
      ? groupOf(workflow, id)
      : newGroup(workflow, id, options);
    const before = isSweep ? axesOf(workflow, id) : [];
    if (group.fault || !before) {
      throw new EditError(stage);
    }
    const isIn = (list: readonly IAxis[], name: string): boolean =>
      list.some(axis => axis.name === name);
    const removals = before.filter(axis => !isIn(axes, axis.name));
    const additions = axes.filter(axis => !isIn(before, axis.name));
    const change = group.members.map(member =>
      axes.length > 0 ? setMatrix(member, axes) : makePlain(member, removals)
    );
    return compose(
      ...removals.map(axis => takeBack(id, axis, options.defaults)),
      ...additions.map(axis => passAxis(id, axis)),
      ...(isSweep ? [] : group.members).map(member =>
        keyFiles(member, group.readings)
      ),
      changeVariants(group.readings, change)
    )(workflow);
  };
}

/** Sets the values of a `foreach`, also in the stages that vary with it. */
export function setItems(id: string, values: readonly Point[]): Edit {
  return workflow => {
    if (!itemsOf(workflow, id) || values.length === 0) {
      throw new EditError(stageOf(workflow, id));
    }
    const { members, readings } = groupOf(workflow, id);
    const change = members.map(
      (member): Edit =>
        ({ data }) =>
          setIn(data, ['stages', member, 'foreach'], [...values])
    );
    return changeVariants(readings, change)(workflow);
  };
}

/** Changes variants, and updates the stages that read the files of all or of a single variant. */
function changeVariants(
  readings: readonly IReading[],
  change: readonly Edit[]
): Edit {
  const alone = readings.filter(one => one.kind !== 'each');
  // Of the variants' files of an output only the last stays, until it is replaced by all.
  const isLast = (one: IReading): boolean =>
    !alone.some(
      (other, index) => index > alone.indexOf(one) && isSameFile(one, other)
    );
  return compose(
    ...alone
      .filter(one => one.kind === 'all' && !isLast(one))
      .map(({ reader, dep }) => removeFile(reader, dep)),
    ...change,
    ...alone.filter(isLast).map(spread)
  );
}

/** Lets the command take a value of the sweep for a setting. */
function passAxis(id: string, { name }: IAxis): Edit {
  const template = `\${item.${axisKey(name)}}`;
  const words = `--${name} ${template}`;
  const option = new RegExp(
    `((?:^|\\s)--?${escapePattern(name)}(?:=|\\s+))("[^"]*"|'[^']*'|\\$\\{[^}]*\\}|[^\\s'"]+)`,
    'u'
  );
  const variable = new RegExp(`\\$\\{\\s*${escapePattern(name)}\\s*\\}`, 'u');
  const pass = (text: string): string =>
    variable.test(text)
      ? text.replace(new RegExp(variable, 'gu'), () => template)
      : option.test(text)
        ? text.replace(option, (_, flag: string) => flag + template)
        : `${text} ${words}`;
  const edit = compose(
    setSetting(id, name.split('.'), undefined),
    changeBody(id, (body, stage) =>
      withArguments(body, stage, command => addWords(command, words))
    )
  );
  return workflow =>
    stageOf(workflow, id).command
      ? edit(workflow)
      : changeBody(id, (body, stage) => withCommand(body, stage, pass))(
          workflow
        );
}

/** Lets a setting have the first value of an axis again, in the place of all. */
function takeBack(id: string, { name, values }: IAxis, defaults: Data): Edit {
  const [first] = values;
  return workflow => {
    const isOption = stageOf(workflow, id).command?.args.some(
      arg =>
        arg.name === name &&
        arg.values.some(value => isTemplate(value.text, axisKey(name)))
    );
    const value = defaults[name] === first ? undefined : first;
    const edit = isOption
      ? setSetting(id, name.split('.'), value)
      : changeBody(id, body => fillIn(body, axisKey(name), first));
    return edit(workflow);
  };
}

/** A body with a value in the place of `${item.…}`. */
function fillIn(body: Data, key: string, value: Point): Data {
  const pattern = new RegExp(`\\$\\{\\s*item\\.${key}\\s*\\}`, 'gu');
  return mapStrings(body, text => text.replace(pattern, () => textFor(value)));
}

function setMatrix(id: string, axes: readonly IAxis[]): Edit {
  const matrix = Object.fromEntries(
    axes.map(({ name, values }) => [axisKey(name), values])
  );
  return changeBody(id, body =>
    'matrix' in body ? { ...body, matrix } : { matrix, ...body }
  );
}

/** Removes the matrix, and the templates in the paths of variants. */
function makePlain(id: string, axes: readonly IAxis[]): Edit {
  const name = axes.map(axis => textFor(axis.values[0])).join('-');
  const withoutKey = (text: string): string =>
    text
      .split(KEY)
      .join('')
      .replace(/\$\{\s*key\s*\}/g, () => name);
  return changeBody(id, body =>
    axes.reduce(
      (now, axis) => fillIn(now, axisKey(axis.name), axis.values[0]),
      mapStrings(removeIn(body, ['matrix']), withoutKey)
    )
  );
}

// Files

/** Makes a path distinct for each variant. */
function withKey(raw: string): string {
  const cut = raw.lastIndexOf('/') + 1;
  const name = raw.slice(cut);
  const extension = name.includes('${')
    ? ''
    : (/^.+?(\.[^.]+)$/.exec(name)?.[1] ?? '');
  const stem = name.slice(0, name.length - extension.length);
  return `${raw.slice(0, cut)}${stem}${KEY}${extension}`;
}

/** Gives each variant separate outputs, and connects it to the same variant of its inputs. */
function keyFiles(id: string, readings: readonly IReading[]): Edit {
  return changeBody(id, (body, stage) => {
    const outs = stage.outs
      .filter(out => !isKeyed(out.raw))
      .map(entry => ({ entry, own: withKey(entry.raw) }));
    const deps = readings
      .filter(one => one.reader === id)
      .map(({ dep, rest }) => ({
        entry: dep,
        own: withKey(dep.raw.slice(0, dep.raw.length - rest.length)) + rest
      }));
    return [...outs, ...deps].reduce(
      (now, { entry, own }) =>
        withCommand(withPaths(now, entry, [own]), stage, text =>
          text.replace(mention(entry.raw), () => own)
        ),
      body
    );
  });
}

/** Lets a stage read an output of every variant, or of the first. */
function spread({ reader, dep, rest, kind, owner, output }: IReading): Edit {
  return workflow => {
    const { paths } = stageOf(workflow, owner).outs.find(
      one => one.list === output.list && one.index === output.index
    )!;
    const stage = stageOf(workflow, reader);
    const current = stage.deps.find(one => one.raw === dep.raw);
    const files = paths.map(path => path + rest);
    if (!current || (kind === 'first' && files.includes(current.paths[0]))) {
      return workflow.data;
    }
    if (kind === 'first' && stage.deps.some(one => one.paths[0] === files[0])) {
      return removeFile(reader, current)(workflow);
    }
    const words = (kind === 'all' ? files : files.slice(0, 1)).map(path =>
      relative(stage.folder, path)
    );
    return changeBody(reader, body => {
      const next = withPaths(body, current, words);
      return names(stage, current.raw)
        ? withCommand(next, stage, text =>
            text.replace(mention(current.raw), () => words.join(' '))
          )
        : next;
    })(workflow);
  };
}

/** Lets a stage not read a file any more. */
function removeFile(id: string, { raw, paths }: IPathEntry): Edit {
  return changeBody(id, (body, stage) => {
    const next = withoutFiles(
      body,
      stage,
      dep => dep.raw === raw,
      arg => arg.paths.some(path => paths.includes(path))
    );
    // Ports of a component follow their files; in other commands they are words.
    return stage.command || !names(stage, raw)
      ? next
      : withCommand(next, stage, text =>
          text.replace(new RegExp(`\\s+${mention(raw).source}`, 'gu'), '')
        );
  });
}

/** Replaces a path in a list of a body. */
function withPaths(
  body: Data,
  { list, index }: IPathEntry,
  paths: readonly string[]
): Data {
  const items = [...(body[list] as Value[])];
  const item = items[index];
  if (isRecord(item)) {
    const [[, options], ...more] = Object.entries(item);
    items[index] = Object.fromEntries([[paths[0], options], ...more]);
  } else {
    items.splice(index, 1, ...paths);
  }
  return { ...body, [list]: items };
}
