import type { IStage, IWorkflow } from '../document/document';
import { overlap } from '../document/paths';
import { valueAt } from '../document/templates';
import { deepEqual, isRecord } from '../document/values';
import { settingsPath } from '../document/variables';
import { buildGraph, type IGraph } from './graph';

/** Changed aspect of a node. */
export type Reason =
  | 'name'
  | 'command'
  | 'settings'
  | 'inputs'
  | 'outputs'
  | 'code'
  | 'data'
  | 'metrics';

/** Old and new value of a setting or metric; undefined if a version lacks it. */
export interface IValueChange {
  name: string;
  before: unknown;
  after: unknown;
}

export interface INodeDifference {
  id: string;
  kind: 'added' | 'removed' | 'changed';
  reasons: Reason[];
  /** The settings and metrics that differ. */
  changes: IValueChange[];
  /** The name that it had before. */
  from?: string;
}

/** Changed files, from the project's root. */
export interface IChangedFiles {
  code: readonly string[];
  data: readonly string[];
  /** Metrics by names such as `file:key`. */
  metrics: readonly IValueChange[];
}

export interface IGraphDiff {
  /** The later graph, with the removed nodes. */
  graph: IGraph;
  differences: INodeDifference[];
}

/** Compares two versions of a workflow, node by node. */
export function graphDiff(
  before: IWorkflow,
  after: IWorkflow,
  files: IChangedFiles = { code: [], data: [], metrics: [] }
): IGraphDiff {
  const old = new Map(before.stages.map(stage => [stage.id, stage]));
  const now = new Set(after.stages.map(stage => stage.id));
  const removals = before.stages.filter(stage => !now.has(stage.id));
  const differences: INodeDifference[] = [];
  for (const stage of after.stages) {
    const same = old.get(stage.id);
    const former = same ?? removals.find(one => haveSameOutputs(one, stage));
    if (!former) {
      differences.push({
        id: stage.id,
        kind: 'added',
        reasons: [],
        changes: []
      });
      continue;
    }
    const reasons = reasonsOf(before, former, after, stage, files);
    const changes = [
      ...settingChanges(before, former, after, stage),
      ...metricsOf(stage, files)
    ];
    if (!same) {
      removals.splice(removals.indexOf(former), 1);
      differences.push({
        id: stage.id,
        kind: 'changed',
        reasons: ['name', ...reasons],
        changes,
        from: former.id
      });
    } else if (reasons.length > 0) {
      differences.push({ id: stage.id, kind: 'changed', reasons, changes });
    }
  }
  for (const { id } of removals) {
    differences.push({ id, kind: 'removed', reasons: [], changes: [] });
  }
  return { graph: union(before, after, removals), differences };
}

/** A stage with the outputs of a removed stage is a renamed stage. */
function haveSameOutputs(one: IStage, other: IStage): boolean {
  const paths = (stage: IStage): string =>
    stage.outs
      .flatMap(out => out.paths)
      .sort()
      .join('\n');
  return paths(one) !== '' && paths(one) === paths(other);
}

/** Returns the settings of a node that differ between two versions, by dotted names. */
export function settingChanges(
  before: IWorkflow,
  old: IStage,
  after: IWorkflow,
  now: IStage
): IValueChange[] {
  const was = flatSettings(before, old);
  const is = flatSettings(after, now);
  return [...new Set([...is.keys(), ...was.keys()])]
    .filter(name => !deepEqual(was.get(name), is.get(name)))
    .map(name => ({ name, before: was.get(name), after: is.get(name) }));
}

function flatSettings(
  { vars }: IWorkflow,
  stage: IStage
): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  const add = (value: unknown, prefix: string): void => {
    for (const [name, part] of isRecord(value) ? Object.entries(value) : []) {
      if (isRecord(part)) {
        add(part, `${prefix}${name}.`);
      } else {
        flat.set(prefix + name, part);
      }
    }
  };
  add(valueAt(vars, settingsPath(stage).join('.')), '');
  return flat;
}

/** The changed metrics in the files of a node, without the path. */
function metricsOf(stage: IStage, { metrics }: IChangedFiles): IValueChange[] {
  const paths = stage.outs
    .filter(out => out.list === 'metrics')
    .flatMap(out => out.paths);
  return metrics.flatMap(change => {
    const path = paths.find(one => change.name.startsWith(one));
    return path === undefined
      ? []
      : [{ ...change, name: change.name.slice(path.length).replace(/^:/, '') }];
  });
}

function reasonsOf(
  before: IWorkflow,
  old: IStage,
  after: IWorkflow,
  now: IStage,
  files: IChangedFiles
): Reason[] {
  const paths = (entries: IStage['deps']): string[] =>
    entries.flatMap(entry => entry.paths).sort();
  const isFile = (stage: IStage, raw: string): boolean =>
    [...stage.deps, ...stage.outs].some(entry => entry.raw === raw);
  const command = (stage: IStage): unknown => [
    stage.folder,
    stage.component
      ? [
          stage.component,
          stage.args
            .filter(({ raw }) => isFile(stage, raw))
            .map(({ name, paths: one }) => [name, one])
        ]
      : stage.commands,
    stage.variants
  ];
  const settings = (document: IWorkflow, stage: IStage): unknown => [
    valueAt(document.vars, settingsPath(stage).join('.')) ?? null,
    stage.args
      .filter(({ raw }) => !isFile(stage, raw))
      .map(({ name, raw }) => [name, raw])
  ];
  const touches = (changed: readonly string[], entries: IStage['deps']) =>
    entries.some(entry =>
      entry.paths.some(path => changed.some(file => overlap(file, path)))
    );
  const reasons: [Reason, boolean][] = [
    ['command', !deepEqual(command(old), command(now))],
    ['settings', !deepEqual(settings(before, old), settings(after, now))],
    ['inputs', !deepEqual(paths(old.deps), paths(now.deps))],
    ['outputs', !deepEqual(paths(old.outs), paths(now.outs))],
    ['code', touches(files.code, now.deps)],
    ['data', touches(files.data, now.deps)],
    ['metrics', metricsOf(now, files).length > 0]
  ];
  return reasons.filter(([, isTrue]) => isTrue).map(([reason]) => reason);
}

function union(
  before: IWorkflow,
  after: IWorkflow,
  removals: readonly IStage[]
): IGraph {
  const graph = buildGraph(after, new Map());
  const former = buildGraph(before, new Map());
  const ids = new Set(removals.map(stage => stage.id));
  for (const id of ids) {
    graph.nodes.set(id, former.nodes.get(id)!);
  }
  const edges = former.edges.filter(
    edge =>
      (ids.has(edge.source) || ids.has(edge.target)) &&
      graph.nodes.has(edge.source) &&
      graph.nodes.has(edge.target)
  );
  return { nodes: graph.nodes, edges: [...graph.edges, ...edges] };
}
