import { copyNodes, pasteNodes, rewriteNode } from './clipboard';
import {
  bodyOf,
  type IStage,
  type IWorkflow,
  parse,
  stagesOf
} from './document';
import { changeBodies, compose, type Edit, stageOf } from './edits';
import {
  connect,
  freeId,
  leaveFiles,
  removeNodes,
  setFileInput
} from './nodes';
import { addFrame, framesOf, setPart } from './notes';
import { dirname, join } from './paths';
import { reconcile } from './reconcile';
import { newFile } from './rename';
import { print } from './scalars';
import { applyEdits } from './textEdits';
import { deepEqual, isRecord, removeIn, setIn } from './values';
import { removeVariable, setVariable } from './variables';

/** Origin of a copied stage, as DVC names it: `FILE:STAGE`. */
export interface IOrigin {
  /** From the project's root. */
  path: string;
  stage: string;
}

type Places = ReadonlyMap<string, { x: number; y: number }>;

/** Returns the origin of a copied stage; null for other stages. */
export function originOf(workflow: IWorkflow, id: string): IOrigin | null {
  const stage = stagesOf(workflow.data)[id];
  const { meta } = isRecord(stage) ? bodyOf(stage) : {};
  const origin = isRecord(meta) ? meta.origin : null;
  const match =
    typeof origin === 'string' ? /^(.+\.yaml):([^:]+)$/.exec(origin) : null;
  return match && { path: match[1], stage: match[2] };
}

/** Returns the file of a frame with copies; null for other frames. */
export function sourceOf(
  workflow: IWorkflow,
  ids: readonly string[]
): string | null {
  for (const id of ids) {
    const origin = originOf(workflow, id);
    if (origin) {
      return origin.path;
    }
  }
  return null;
}

/** Returns the text of a new workflow with copies of nodes. */
export function extractNodes(
  workflow: IWorkflow,
  ids: ReadonlySet<string>,
  places: Places,
  path: string,
  title: string
): string {
  const text = `vars:\n  - workflow: {name: ${print(title)}}\nstages: {}\n`;
  const clip = copyNodes(workflow, ids, places);
  const nodes = clip.nodes.map(node => ({
    ...node,
    stage:
      bodyOf(node.stage) === node.stage
        ? removeIn(node.stage, ['meta', 'origin'])
        : removeIn(node.stage, ['do', 'meta', 'origin'])
  }));
  const base = parse(text, path).document!;
  const { edit } = pasteNodes(
    base,
    { ...clip, nodes, data: [] },
    {
      x: 0,
      y: 0
    }
  );
  return applyEdits(text, reconcile(base.source, base.data, edit(base)));
}

/** Records the origins of copied stages. */
export function setOrigins(
  path: string,
  /** Origins by the names of the copies. */
  origins: ReadonlyMap<string, string>
): Edit {
  return changeBodies(origins.keys(), (body, { id }) =>
    setIn(body, ['meta', 'origin'], `${path}:${origins.get(id)}`)
  );
}

/** Adds copies of a workflow's nodes, in a collapsed frame. */
export function insertWorkflow(
  workflow: IWorkflow,
  source: IWorkflow,
  places: Places,
  corner: { x: number; y: number }
): Edit {
  const all = source.stages.map(({ id }) => id);
  const clip = copyNodes(source, new Set(all), places);
  const { ids, edit } = pasteNodes(workflow, clip, corner);
  const origins = new Map(
    clip.nodes.map(({ id }, index): [string, string] => [ids[index], id])
  );
  const title = source.title || dirname(source.path).split('/').pop() || '';
  return compose(
    edit,
    setOrigins(source.path, origins),
    addFrame({ title, nodes: ids, isCollapsed: true }),
    updateFrom(source, ids)
  );
}

/** Tests whether copies differ from the nodes of their workflow. */
export function differsFrom(
  workflow: IWorkflow,
  source: IWorkflow,
  ids: readonly string[]
): boolean {
  return !deepEqual(updateFrom(source, ids)(workflow), workflow.data);
}

/**
 * Updates copies from their workflow: commands, settings, and the set of nodes. Their names,
 * positions, outputs and connections from outside stay.
 */
export function updateFrom(source: IWorkflow, ids: readonly string[]): Edit {
  return workflow => {
    const originals = byId(source);
    const own = byId(workflow);
    const copies = new Map<string, string>();
    const removed = new Set<string>();
    for (const id of ids) {
      const origin = originOf(workflow, id);
      if (origin?.path !== source.path) {
        continue;
      }
      if (originals.has(origin.stage)) {
        copies.set(origin.stage, id);
      } else {
        removed.add(id);
      }
    }
    if (copies.size + removed.size === 0) {
      return workflow.data;
    }
    const isNew = new Set<string>();
    for (const { id } of source.stages) {
      if (!copies.has(id)) {
        copies.set(id, freeId(workflow, id, copies.values()));
        isNew.add(copies.get(id)!);
      }
    }
    const files = filesOf(workflow, source, copies, own);
    const ownFiles = new Set(files.values());
    const clip = copyNodes(source, new Set(copies.keys()), new Map());
    const frame = framesOf(workflow).findIndex(({ nodes }) =>
      ids.some(id => nodes.includes(id))
    );
    return compose(
      removeNodes(removed),
      now => {
        // One edit for all: a separate edit for each would parse all stages again.
        const stages = { ...stagesOf(now.data) };
        for (const node of clip.nodes) {
          const id = copies.get(node.id)!;
          const stage = rewriteNode(now, clip, node, copies, files);
          const before = stages[id];
          const meta = isRecord(before) ? bodyOf(before).meta : undefined;
          const origin = `${source.path}:${node.id}`;
          const inner = bodyOf(stage) === stage ? [] : ['do'];
          stages[id] = setIn(
            stage,
            [...inner, 'meta'],
            isRecord(meta) ? meta : { origin }
          );
        }
        return { ...now.data, stages };
      },
      ...[...copies]
        .filter(([from, id]) => !deepEqual(workflow.vars[id], clip.vars[from]))
        .map(([from, id]) =>
          from in clip.vars
            ? setVariable([id], clip.vars[from])
            : removeVariable([id])
        ),
      ...Object.entries(clip.vars)
        .filter(([name]) => !copies.has(name) && !(name in workflow.vars))
        .map(([name, value]) => setVariable([name], value)),
      ...[...copies]
        .filter(([, id]) => !isNew.has(id))
        .flatMap(([from, id]) =>
          keepInputs(originals.get(from)!, own.get(id)!, files, ownFiles)
        ),
      // Inputs of removed outputs are reported as missing, not read as files.
      now => {
        const outsOf = (stage: IStage): string[] =>
          stage.outs.flatMap(out => out.paths);
        const made = new Set(now.stages.flatMap(outsOf));
        const lost = [...copies.values()]
          .filter(id => !isNew.has(id))
          .flatMap(id => outsOf(own.get(id)!))
          .filter(path => !made.has(path));
        return leaveFiles(new Set(lost))(now);
      },
      frame >= 0 && isNew.size > 0
        ? now =>
            setPart('frames', frame, 'nodes', [
              ...framesOf(now)[frame].nodes,
              ...isNew
            ])(now)
        : now => now.data
    )(workflow);
  };
}

/** Files of the copies by those of the source; both from the project's root. */
function filesOf(
  workflow: IWorkflow,
  source: IWorkflow,
  copies: ReadonlyMap<string, string>,
  own: ReadonlyMap<string, IStage>
): Map<string, string> {
  const files = new Map<string, string>();
  for (const stage of source.stages) {
    const id = copies.get(stage.id)!;
    const copy = own.get(id);
    for (const out of stage.outs) {
      const [path] = out.paths;
      const port = portOf(stage, path);
      const present =
        port === null
          ? copy?.outs.find(
              one => one.list === out.list && one.index === out.index
            )?.paths[0]
          : copy?.args.find(arg => arg.name === port)?.paths[0];
      const folder = dirname(source.path);
      const local = path.startsWith(`${folder}/`)
        ? join(dirname(workflow.path), path.slice(folder.length + 1))
        : path;
      files.set(path, present ?? newFile(local, stage.id, id) ?? local);
    }
  }
  return files;
}

function portOf({ args }: IStage, path: string): string | null {
  return args.find(arg => arg.paths.includes(path))?.name ?? null;
}

/** Keeps the external inputs of a copy. */
function keepInputs(
  from: IStage,
  copy: IStage,
  /** Files of the copies by those of the source. */
  files: ReadonlyMap<string, string>,
  ownFiles: ReadonlySet<string>
): Edit[] {
  const inputs = new Set(from.deps.flatMap(dep => dep.paths));
  const outside = new Set(
    from.args
      .filter(({ paths }) =>
        paths.some(path => inputs.has(path) && !files.has(path))
      )
      .map(({ name }) => name)
  );
  const isInput = (path: string): boolean =>
    copy.deps.some(dep => dep.paths.includes(path));
  return [...outside].map((port): Edit => now => {
    const paths = (stage: IStage): string[] =>
      stage.args.filter(arg => arg.name === port).flatMap(arg => arg.paths);
    const present = paths(stageOf(now, copy.id));
    const inner = present.filter(path => ownFiles.has(path));
    const outer = paths(copy).filter(
      path => !ownFiles.has(path) && isInput(path)
    );
    const goal = [...inner, ...outer];
    if (goal.join('\n') === present.join('\n')) {
      return now.data;
    }
    const [first = '', ...rest] = goal;
    return compose(
      setFileInput(copy.id, port, first),
      ...rest.map(path => connect({ source: '', path, target: copy.id, port }))
    )(now);
  });
}

function byId({ stages }: IWorkflow): ReadonlyMap<string, IStage> {
  return new Map(stages.map(stage => [stage.id, stage]));
}
