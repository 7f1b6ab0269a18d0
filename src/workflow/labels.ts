import type {
  IColumnProfile,
  IPlan,
  IProblem,
  ITableColumn
} from '../api/models';
import { cellText, duration, listText } from '../ui/format';
import { trans } from '../ui/locale';
import type { IParseError } from './document/document';
import type { ISchema } from './document/schema';
import type { ReaderKind, SweepFault } from './document/sweep';
import type { Value } from './document/values';
import type { Refusal } from './graph/connections';
import { ANY_INPUT, type IGraphNode } from './graph/graph';
import type { INodeDifference, Reason } from './graph/graphDiff';
import type { Problem } from './graph/validate';
import type { NodeMark } from './graph/marks';

export type ColumnKind = IColumnProfile['kind'];
export type ColumnRole = NonNullable<ITableColumn['role']>;

export function refusalText(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'type':
      return trans.__(
        "Type mismatch: can't connect %1 to %2",
        refusal.from,
        refusal.to
      );
    case 'cycle':
      return trans.__(
        'This would create a cycle: %1',
        refusal.nodes.join(' → ')
      );
    case 'same':
      return trans.__('Already connected');
    case 'text':
      return trans.__('“%1” can only be edited as text', refusal.node);
    case 'unknown':
      return trans.__('Nothing to connect');
  }
}

export function problemText(problem: Problem | IProblem): string {
  if (!('kind' in problem)) {
    return problem.message;
  }
  switch (problem.kind) {
    case 'component':
      return trans.__('Component “%1” not found', problem.name);
    case 'input':
      return trans.__('Required input “%1” is missing', problem.port);
    case 'type':
      return trans.__(
        "Type mismatch: can't connect %1 to %2",
        problem.from,
        problem.to
      );
    case 'output':
      return trans.__(
        '“%1” is also an output of %2',
        problem.path,
        problem.other
      );
    case 'command':
      return trans.__('The node has no command');
    case 'cycle':
      return trans.__('Circular dependency: %1', problem.nodes.join(' → '));
  }
}

export function planText(action: string): string {
  const words: Record<string, string> = {
    run: trans.__('Will run'),
    cached: trans.__('Up to date'),
    restorable: trans.__('Will be restored from the cache'),
    frozen: trans.__('Frozen')
  };
  return words[action] ?? action;
}

/** Returns the label of a node's mark. */
export function markText(mark: NodeMark): string {
  const words: Partial<Record<NodeMark, string>> = {
    running: trans.__('Running'),
    waiting: trans.__('Waiting'),
    failed: trans.__('Failed'),
    stopped: trans.__('Stopped or skipped')
  };
  return words[mark] ?? planText(mark);
}

/** Returns the label of the run button by the plan; null if there is none. */
export function runButtonText(plan: IPlan | null): string {
  if (!plan) {
    return trans.__('Run');
  }
  const { run, restorable } = plan.summary;
  if (run === 0) {
    return restorable === 0
      ? trans.__('Everything is up to date')
      : trans._n('Restore %1 node', 'Restore %1 nodes', restorable);
  }
  const nodes = trans._n('Run %1 node', 'Run %1 nodes', run);
  const { estimate_seconds: seconds, without_estimate: unknown } = plan;
  if (seconds === null) {
    return nodes;
  }
  const time = duration(seconds < 10 ? seconds : Math.round(seconds));
  return `${nodes} · ${unknown > 0 ? '≥ ' : '~'}${time}`;
}

/** Label of a node's kind; unknown types from the server are unchanged. */
export function kindText(kind: string): string {
  const words: Record<string, string> = {
    component: trans.__('Component'),
    notebook: trans.__('Notebook'),
    script: trans.__('Script'),
    shell: trans.__('Shell command'),
    sweep: trans.__('Sweep')
  };
  return words[kind] ?? kind;
}

/** Reference page of a node; undefined if there is none. */
export function helpPage({ component, kind }: IGraphNode): string | undefined {
  if (component) {
    return component.source === 'library'
      ? `component-${component.name}`
      : 'command-node';
  }
  return kind === 'notebook' ? 'command-notebook' : undefined;
}

/** Returns the name of a column's type; empty if it is not known. */
export function columnTypeText(type: ITableColumn['type']): string {
  const words: Record<NonNullable<ITableColumn['type']>, string> = {
    integer: trans.__('integer'),
    number: trans.__('number'),
    boolean: trans.__('true or false'),
    text: trans.__('text'),
    date: trans.__('date'),
    other: trans.__('other')
  };
  return type === null ? '' : words[type];
}

/** Label of a column's kind. */
export function columnKindText(kind: ColumnKind): string {
  switch (kind) {
    case 'category':
      return trans.__('category');
    case 'identifier':
      return trans.__('identifier');
    case 'constant':
      return trans.__('constant');
    default:
      return columnTypeText(kind);
  }
}

/** Label of a column's role. */
export function columnRoleText(role: ColumnRole): string {
  const words: Record<ColumnRole, string> = {
    feature: trans.__('feature'),
    target: trans.__('target'),
    ignored: trans.__('ignored'),
    group: trans.__('group'),
    time: trans.__('time'),
    weight: trans.__('weight')
  };
  return words[role];
}

/** Reason for a column's kind; empty if the kind is self-explanatory. */
export function kindReasonText(reason: IColumnProfile['reason']): string {
  const words: Partial<Record<IColumnProfile['reason'], string>> = {
    no_values: trans.__('no values'),
    one_value: trans.__('every value is the same'),
    row_numbers: trans.__('it numbers the rows'),
    all_different: trans.__('every value is different'),
    nearly_all_different: trans.__('nearly every value is different'),
    long_texts: trans.__('long texts'),
    unknown_type: trans.__('no numbers, texts or dates')
  };
  return words[reason] ?? '';
}

/** The type of a column with its kind and role, if they add information. */
export function columnFactsText({
  type,
  kind,
  role
}: Pick<ITableColumn, 'type'> & Partial<ITableColumn>): string {
  const isPlain = kind === type || (kind === 'number' && type === 'integer');
  return [
    columnTypeText(type),
    kind && !isPlain ? columnKindText(kind) : '',
    role && role !== 'feature' ? columnRoleText(role) : ''
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Label of a node: its component, else its kind. */
export function nodeText({
  component,
  componentName,
  kind
}: IGraphNode): string {
  return component?.title ?? componentName ?? kindText(kind);
}

/** Message for a node that cannot have variants. */
export function sweepFaultText(fault: SweepFault): string {
  switch (fault.kind) {
    case 'text':
      return trans.__(
        'Only nodes with a single command can be swept here. Edit the file to sweep others.'
      );
    case 'output':
      return trans.__(
        'All variants would write to “%1”. Pass the output path to the command as an argument.',
        fault.path
      );
    case 'reader':
      return trans.__(
        "“%1” can't receive the file of a variant because its command does not " +
          'contain “%2”. Pass the path to the command as an argument.',
        fault.node,
        fault.path
      );
    case 'sweep':
      return trans.__(
        'The downstream node “%1” already has its own sweep.',
        fault.node
      );
  }
}

/** Message about a sweep's effect on a downstream node. */
export function readerText(node: string, kind: ReaderKind): string {
  const words: Record<ReaderKind, string> = {
    each: trans.__('%1 runs once per variant.', node),
    all: trans.__('%1 reads the files of all variants.', node),
    first: trans.__('%1 reads the file of one variant.', node)
  };
  return words[kind];
}

export function portText(name: string): string {
  return name === ANY_INPUT ? trans.__('dependencies') : name;
}

export function errorText(error: IParseError): string {
  switch (error.kind) {
    case 'yaml':
      return error.message;
    case 'root':
      return trans.__('dvc.yaml must have a “stages” mapping.');
    case 'stages':
      return trans.__('“stages” must be a mapping.');
    case 'stage':
      return trans.__('Stage “%1” must be a mapping.', error.name);
  }
}

/** Label of a value: the title of a choice; other values are unchanged. */
export function choiceText(property: ISchema, value: Value): string {
  const titles = [property, ...(property.anyOf ?? [])].map(
    one => one['x-labels']?.[one.enum?.indexOf(value) ?? -1]
  );
  return titles.find(title => title !== undefined) ?? cellText(value);
}

/** Message about a node's difference between two versions: "Changed: n_estimators 60 → 67". */
export function differenceText({
  kind,
  reasons,
  changes,
  from
}: INodeDifference): string {
  if (kind === 'added') {
    return trans.__('Added');
  }
  if (kind === 'removed') {
    return trans.__('Removed');
  }
  const words: Record<Reason, string> = {
    name: trans.__('renamed from %1', from ?? ''),
    command: trans.__('command'),
    settings: trans.__('settings'),
    inputs: trans.__('inputs'),
    outputs: trans.__('outputs'),
    code: trans.__('code'),
    data: trans.__('data'),
    metrics: trans.__('metrics')
  };
  // Old and new value make the kind of the change obvious.
  const values = changes.map(
    ({ name, before, after }) =>
      `${name} ${cellText(before)} → ${cellText(after)}`
  );
  const rest = reasons.filter(
    reason =>
      values.length === 0 || (reason !== 'settings' && reason !== 'metrics')
  );
  return trans.__(
    'Changed: %1',
    listText([...rest.map(reason => words[reason]), ...values])
  );
}
