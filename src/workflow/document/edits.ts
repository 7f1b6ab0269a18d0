import { type IComponentCommand, parseCommand } from './command';
import {
  bodyOf,
  type IStage,
  type IWorkflow,
  stagesOf,
  withData
} from './document';
import { type Data, insertKey, removeIn, type Value } from './values';

/** Function from a workflow to its edited data; unchanged parts keep their objects. */
export type Edit = (workflow: IWorkflow) => Data;

/** Error about syntax that can only be edited as text. */
export class EditError extends Error {
  constructor({ id, line }: Pick<IStage, 'id' | 'line'>) {
    super(`The stage "${id}" can only be edited as text (line ${line}).`);
    this.name = 'EditError';
    this.stage = id;
  }

  readonly stage: string;
}

/** Composes edits; each gets the result of the one before. */
export function compose(...edits: Edit[]): Edit {
  return workflow =>
    edits.reduce((now, edit) => withData(now, edit(now)), workflow).data;
}

export function stageOf(workflow: IWorkflow, id: string): IStage {
  const stage = workflow.stages.find(one => one.id === id);
  if (!stage) {
    throw new Error(`There is no stage "${id}".`);
  }
  return stage;
}

/** Function from a stage's body to its edited body. */
type Change = (body: Data, stage: IStage) => Data;

export function changeBody(id: string, change: Change): Edit {
  return changeBodies([id], change);
}

/** Returns an edit of the bodies of some stages; throws for an alias. */
export function changeBodies(ids: Iterable<string>, change: Change): Edit {
  return ({ data, stages }) => {
    const byId = new Map(stages.map(stage => [stage.id, stage]));
    const changed: Data = {};
    for (const id of ids) {
      const stage = byId.get(id)!;
      if (!stage.isEditable) {
        throw new EditError(stage);
      }
      const before = stagesOf(data)[id] as Data;
      const body = bodyOf(before);
      const after = change(body, stage);
      if (after !== body) {
        changed[id] = body === before ? after : { ...before, do: after };
      }
    }
    // A file without stages gets no `stages:` if nothing changes.
    return Object.keys(changed).length > 0
      ? { ...data, stages: { ...stagesOf(data), ...changed } }
      : data;
  };
}

/** Conventional order of a stage's keys. */
const ORDER = ['deps', 'outs', 'metrics', 'plots', 'frozen', 'meta'];

/** Sets a key of a body; a new key is put in the conventional order. */
export function withKey(body: Data, key: string, value: Value): Data {
  return key in body
    ? { ...body, [key]: value }
    : insertKey(body, key, value, ORDER.slice(ORDER.indexOf(key) + 1));
}

/** Inserts an item into a list of a body, by default at the end. */
export function withItem(
  body: Data,
  list: string,
  item: string,
  index?: number
): Data {
  const items = Array.isArray(body[list]) ? [...body[list]] : [];
  items.splice(index ?? items.length, 0, item);
  return withKey(body, list, items);
}

/** A body without some items of a list, and without the list that is empty then. */
export function withoutItems(
  body: Data,
  list: string,
  indices: ReadonlySet<number>
): Data {
  const items = body[list];
  const rest = Array.isArray(items)
    ? items.filter((_, index) => !indices.has(index))
    : [];
  return rest.length > 0
    ? { ...body, [list]: rest }
    : indices.size > 0
      ? removeIn(body, [list])
      : body;
}

/** Sets the only command of a body. */
export function withCommand(
  body: Data,
  stage: IStage,
  change: (text: string) => string
): Data {
  const { cmd } = body;
  const [text, ...more] = [cmd].flat();
  if (typeof text !== 'string' || more.length > 0) {
    throw new EditError(stage);
  }
  return { ...body, cmd: Array.isArray(cmd) ? [change(text)] : change(text) };
}

/** Sets the component's or notebook's command of a body. */
export function withArguments(
  body: Data,
  stage: IStage,
  change: (command: IComponentCommand) => string
): Data {
  const isUnpack = (name: string): boolean =>
    stage.command?.unpacks.some(unpack => unpack.name === name) ?? false;
  return withCommand(body, stage, text => {
    const command = parseCommand(text, isUnpack);
    if (!command) {
      throw new EditError(stage);
    }
    return change(command);
  });
}
