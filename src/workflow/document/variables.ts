/** Edits of `vars`: the settings of nodes, and shared variables. */

import {
  addWords,
  type IComponentCommand,
  removeArgument,
  removeUnpack
} from './command';
import type { IStage, IWorkflow } from './document';
import {
  changeBody,
  compose,
  type Edit,
  stageOf,
  withArguments
} from './edits';
import { countMentions, namesIn, splitName, valueAt } from './templates';
import {
  type Data,
  insertKey,
  isRecord,
  removeIn,
  setIn,
  type Value
} from './values';

/** Path of a node's settings in `vars`. */
export function settingsPath(stage: IStage): string[] {
  const unpack = stage.command?.unpacks[0];
  return unpack ? splitName(unpack.name) : [stage.id];
}

/** Tests whether the settings are in a separate file, such as `params.yaml`. */
export function hasForeignSettings(
  { vars }: IWorkflow,
  stage: IStage
): boolean {
  const unpack = stage.command?.unpacks[0];
  return unpack !== undefined && valueAt(vars, unpack.name) === undefined;
}

/** Sets a setting; `undefined` removes it, so that the component's default applies. */
export function setSetting(
  id: string,
  key: string[],
  value: Value | undefined
): Edit {
  return workflow => {
    const stage = stageOf(workflow, id);
    const path = settingsPath(stage);
    const isUnpacked = (stage.command?.unpacks.length ?? 0) > 0;
    // A setting in the command moves to the settings.
    const unwrite = changeArguments(id, command =>
      removeArgument(command, key.join('.'))
    );
    if (value === undefined) {
      return compose(unwrite, unsetSetting(id, path, key))(workflow);
    }
    return compose(
      unwrite,
      setVariable([...path, ...key], value),
      changeArguments(id, command =>
        isUnpacked ? command.text : addWords(command, `\${${path.join('.')}}`)
      )
    )(workflow);
  };
}

function changeArguments(
  id: string,
  change: (command: IComponentCommand) => string
): Edit {
  return changeBody(id, (body, stage) =>
    stage.command ? withArguments(body, stage, change) : body
  );
}

function unsetSetting(id: string, path: string[], key: string[]): Edit {
  return workflow => {
    const name = path.join('.');
    const settings = valueAt(workflow.vars, name);
    const isOwn =
      path.length === 1 &&
      isRecord(settings) &&
      Object.keys(removeIn(settings, key)).length === 0 &&
      countMentions(workflow.data, name) < 2;
    return isOwn
      ? compose(
          changeArguments(id, command => removeUnpack(command, name)),
          removeVariable(path)
        )(workflow)
      : removeVariable([...path, ...key])(workflow);
  };
}

/** Sets a value at a path in `vars`; creates missing maps. */
export function setVariable(path: readonly string[], value: Value): Edit {
  return ({ data }) => {
    if (!('vars' in data)) {
      return insertKey(data, 'vars', [setIn({}, path, value)], ['stages']);
    }
    const vars = Array.isArray(data.vars) ? [...data.vars] : [];
    const index = variableIndex(vars, path[0]);
    vars[index] = setIn(vars[index], path, value);
    return { ...data, vars };
  };
}

/** Index of the item of `vars` that defines a name, or of a new item: DVC uses the last. */
function variableIndex(vars: readonly Value[], name: string): number {
  const isHolder = (item: Value): boolean => isRecord(item) && name in item;
  return vars.length - 1 - [...vars].reverse().findIndex(isHolder);
}

/** Removes a path from `vars`, and the maps that are empty then. */
export function removeVariable(path: string[]): Edit {
  return ({ data }) => {
    const { vars } = data;
    const index = Array.isArray(vars) ? variableIndex(vars, path[0]) : -1;
    return changeVars(data, (item, at) =>
      at === index ? removeIn(item, path) : item
    );
  };
}

/** Removes the settings of removed stages, unless other stages read them. */
export function removeUnused(data: Data, ids: ReadonlySet<string>): Data {
  const names = new Set(namesIn(data)).add('workflow');
  return changeVars(data, item =>
    Object.keys(item)
      .filter(name => ids.has(name) && !names.has(name))
      .reduce((rest, name) => removeIn(rest, [name]), item)
  );
}

/** Changes the maps of `vars`; removes empty maps, and `vars` with the last. */
export function changeVars(
  data: Data,
  change: (item: Data, index: number) => Data
): Data {
  const { vars } = data;
  if (!Array.isArray(vars) || vars.length === 0) {
    return data;
  }
  const next = vars.flatMap((item, index) => {
    const rest = isRecord(item) ? change(item, index) : item;
    const isEmpty = rest !== item && Object.keys(rest as Data).length === 0;
    return isEmpty ? [] : [rest];
  });
  return next.length > 0 ? { ...data, vars: next } : removeIn(data, ['vars']);
}

export function setTitle(title: string): Edit {
  return setVariable(['workflow', 'name'], title);
}
