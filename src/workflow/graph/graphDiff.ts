import type { IStage, IWorkflow } from '../document/document';
import { overlap } from '../document/paths';
import { valueAt } from '../document/templates';
import { deepEqual } from '../document/values';
import { settingsPath } from '../document/variables';
import { buildGraph, type IGraph } from './graph';

/** What of a node is another. */
export type Reason =
  | 'name'
  | 'command'
  | 'settings'
  | 'inputs'
  | 'outputs'
  | 'code'
  | 'data'
  | 'metrics';

export interface INodeDifference {
  id: string;
  kind: 'added' | 'removed' | 'changed';
  reasons: Reason[];
  /** The name that it had before. */
  from?: string;
}

/** Files that differ between the versions, from the project's root. */
export interface IChangedFiles {
  code: readonly string[];
  data: readonly string[];
  /** Names of metrics, as `file:key`. */
  metrics: readonly string[];
}

export interface IGraphDiff {
  /** The later graph, with the nodes that are gone. */
  graph: IGraph;
  differences: INodeDifference[];
}

/** Two versions of a workflow compared, node by node. */
export function graphDiff(
  before: IWorkflow,
  after: IWorkflow,
  files: IChangedFiles
): IGraphDiff {
  const old = new Map(before.stages.map(stage => [stage.id, stage]));
  const now = new Set(after.stages.map(stage => stage.id));
  const removals = before.stages.filter(stage => !now.has(stage.id));
  const differences: INodeDifference[] = [];
  for (const stage of after.stages) {
    const same = old.get(stage.id);
    const former = same ?? removals.find(one => haveSameOutputs(one, stage));
    if (!former) {
      differences.push({ id: stage.id, kind: 'added', reasons: [] });
      continue;
    }
    const reasons = reasonsOf(before, former, after, stage, files);
    if (!same) {
      removals.splice(removals.indexOf(former), 1);
      differences.push({
        id: stage.id,
        kind: 'changed',
        reasons: ['name', ...reasons],
        from: former.id
      });
    } else if (reasons.length > 0) {
      differences.push({ id: stage.id, kind: 'changed', reasons });
    }
  }
  for (const { id } of removals) {
    differences.push({ id, kind: 'removed', reasons: [] });
  }
  return { graph: union(before, after, removals), differences };
}

/** A stage with the files of one that is gone is that one, with another name. */
function haveSameOutputs(one: IStage, other: IStage): boolean {
  const paths = (stage: IStage): string =>
    stage.outs
      .flatMap(out => out.paths)
      .sort()
      .join('\n');
  return paths(one) !== '' && paths(one) === paths(other);
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
  const isMeasured = now.outs
    .filter(out => out.list === 'metrics')
    .flatMap(out => out.paths)
    .some(path => files.metrics.some(name => name.startsWith(path)));
  const reasons: [Reason, boolean][] = [
    ['command', !deepEqual(command(old), command(now))],
    ['settings', !deepEqual(settings(before, old), settings(after, now))],
    ['inputs', !deepEqual(paths(old.deps), paths(now.deps))],
    ['outputs', !deepEqual(paths(old.outs), paths(now.outs))],
    ['code', touches(files.code, now.deps)],
    ['data', touches(files.data, now.deps)],
    ['metrics', isMeasured]
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
