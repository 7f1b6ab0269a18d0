import type { IColumnProfile, ITableProfile } from '../../api/models';
import type { Value } from '../document/values';
import type { IReading } from '../store/columns';
import type { INodeTemplate } from '../store/templates';

type Kind = IColumnProfile['kind'];
export type Role =
  'target' | 'feature' | 'ignored' | 'group' | 'time' | 'weight';
export type Task = 'classification' | 'regression' | 'forecast' | 'clusters';

/** Kinds of models that are compared, in the order in which they are shown. */
export const MODELS: Record<Exclude<Task, 'clusters'>, readonly string[]> = {
  classification: [
    'baseline',
    'logistic_regression',
    'random_forest',
    'hist_gradient_boosting'
  ],
  regression: ['baseline', 'ridge', 'random_forest', 'hist_gradient_boosting'],
  forecast: [
    'naive',
    'seasonal_naive',
    'ridge',
    'random_forest',
    'hist_gradient_boosting'
  ]
};
/** Names of the nodes that train them, which are shown on small cards. */
const NODES: Readonly<Record<string, string>> = {
  seasonal_naive: 'seasonal',
  logistic_regression: 'logistic',
  random_forest: 'forest',
  hist_gradient_boosting: 'boosting'
};
/** Earlier values of the target from which it is forecast, in rows. */
const LAGS = [1, 2, 3];
/** Rows above which a forest takes minutes. */
const MAX_FOREST_ROWS = 20_000;
/** Kinds of columns that are useless as features. */
const USELESS_KINDS: ReadonlySet<Kind> = new Set([
  'identifier',
  'constant',
  'other'
]);
/** Columns between nodes, in pixels. */
const X_STEP = 272;
/** Rows of nodes. */
const Y_STEP = 160;

/** The parts of a first model of a table. */
export interface ITableChoice {
  task: Task;
  /** By column; missing columns have their detected kind. */
  kinds: Readonly<Record<string, Kind>>;
  roles: Readonly<Record<string, Role>>;
  models: readonly string[];
  /** Share of the rows that judge the models. */
  testSize: number;
  /** Number of folds for cross-validation; 0 for none. */
  folds: number;
  reading: IReading;
}

/** Returns the column with a role; undefined if none has it. */
export function withRole(
  { roles }: Pick<ITableChoice, 'roles'>,
  role: Role
): string | undefined {
  return Object.keys(roles).find(name => roles[name] === role);
}

/** Returns the choice with which a table is most probably understood. */
export function proposal(
  profile: ITableProfile,
  reading: IReading
): ITableChoice {
  const { columns, target, time } = profile;
  const roles = Object.fromEntries(
    columns
      .filter(({ name, kind }) => USELESS_KINDS.has(kind) && name !== time)
      .map(({ name }): [string, Role] => [name, 'ignored'])
  );
  const choice: ITableChoice = {
    task: 'clusters',
    kinds: {},
    roles: time === null ? roles : { ...roles, [time]: 'time' },
    models: [],
    testSize: 0.25,
    folds: 0,
    reading
  };
  return target === null ? choice : withTarget(profile, choice, target);
}

/** Returns the choice with a new target column, a suitable task, and its models. */
export function withTarget(
  { columns, rows }: ITableProfile,
  choice: ITableChoice,
  target: string
): ITableChoice {
  const roles = Object.fromEntries(
    Object.entries(choice.roles).filter(
      ([name, role]) => role !== 'target' && name !== target
    )
  );
  const task =
    columns.find(({ name }) => name === target)?.task ?? 'classification';
  return {
    ...choice,
    task,
    roles: { ...roles, [target]: 'target' },
    models: MODELS[task].filter(
      name => name !== 'random_forest' || rows <= MAX_FOREST_ROWS
    )
  };
}

/** Returns the choice with which the target is forecast in order of time. */
export function withForecast(
  profile: ITableProfile,
  choice: ITableChoice
): ITableChoice {
  const target = forecastTarget(profile, choice);
  const time = withRole(choice, 'time') ?? profile.time ?? firstDate(profile);
  const next = target ? withTarget(profile, choice, target) : choice;
  return {
    ...(time ? withRoleOf(next, time, 'time') : next),
    task: 'forecast',
    models: MODELS.forecast.filter(
      name =>
        (name !== 'seasonal_naive' || profile.season !== null) &&
        (name !== 'random_forest' || profile.rows <= MAX_FOREST_ROWS)
    )
  };
}

/** Returns whether a table has a number and a time to forecast it by. */
export function canForecast(
  profile: ITableProfile,
  choice: ITableChoice
): boolean {
  const time = withRole(choice, 'time') ?? profile.time ?? firstDate(profile);
  return time !== undefined && forecastTarget(profile, choice) !== undefined;
}

/** The number to forecast: the target, or else the last number. */
function forecastTarget(
  { columns }: ITableProfile,
  choice: ITableChoice
): string | undefined {
  const target = withRole(choice, 'target');
  const numbers = columns
    .filter(({ kind, task }) => kind === 'number' && task !== null)
    .map(({ name }) => name);
  return numbers.find(name => name === target) ?? numbers[numbers.length - 1];
}

function firstDate({ columns }: ITableProfile): string | undefined {
  return columns.find(({ kind }) => kind === 'date')?.name;
}

/** Returns the choice with a new role of a column; target, group, time and weight are unique. */
export function withRoleOf(
  choice: ITableChoice,
  column: string,
  role: Role
): ITableChoice {
  const others = Object.entries(choice.roles).filter(
    ([name, own]) => name !== column && (own === 'ignored' || own !== role)
  );
  return {
    ...choice,
    roles: {
      ...Object.fromEntries(others),
      ...(role === 'feature' ? {} : { [column]: role })
    }
  };
}

/** Date columns that are features despite the random split, of which the wizard has warned. */
function datesAsFeatures(
  { columns }: ITableProfile,
  choice: ITableChoice
): Record<string, Role> {
  const isOrdered = withRole(choice, 'time') ?? withRole(choice, 'group');
  const dates = columns.filter(
    ({ name, kind }) => (choice.kinds[name] ?? kind) === 'date'
  );
  return isOrdered || choice.task === 'clusters'
    ? {}
    : Object.fromEntries(dates.map(({ name }) => [name, 'feature']));
}

/** Returns the nodes that load a table, train models on it, and compare them. */
export function tableTemplate(
  file: string,
  profile: ITableProfile,
  choice: ITableChoice
): INodeTemplate {
  const { task, kinds, models, testSize, folds, reading } = choice;
  const roles = { ...datesAsFeatures(profile, choice), ...choice.roles };
  const pairs = (record: Readonly<Record<string, string>>): string[] =>
    Object.entries(record).map(([name, value]) => `${name}=${value}`);
  const config: Record<string, Value> = {
    ...Object.fromEntries(
      Object.entries(reading).filter(([, value]) => value !== '')
    ),
    bad_lines: 'skip',
    ...(Object.keys(roles).length > 0 ? { roles: pairs(roles) } : {}),
    ...(Object.keys(kinds).length > 0 ? { kinds: pairs(kinds) } : {})
  };
  const load: INodeTemplate['nodes'][number] = {
    id: 'load',
    type: 'load_table',
    config,
    files: { file },
    at: [0, 0]
  };
  if (task === 'clusters') {
    return {
      nodes: [load, node('clusters', 'train_clusters', [X_STEP, 0])],
      edges: [edge('load.table', 'clusters.data')],
      predicts: []
    };
  }
  const target = withRole(choice, 'target') ?? '';
  const stratify: Record<string, Value> = canStratify(profile, choice)
    ? { stratify: target }
    : {};
  const isClasses = task === 'classification';
  const isForecast = task === 'forecast';
  const figure = isClasses ? 'confusion' : 'predictions';
  const { season } = profile;
  const lags: INodeTemplate['nodes'] = isForecast
    ? [
        {
          id: 'lags',
          type: 'add_lags',
          config: season
            ? { lags: [...new Set([...LAGS, season])], windows: [season] }
            : { lags: [...LAGS] },
          at: [X_STEP, 0]
        }
      ]
    : [];
  const start = isForecast ? X_STEP : 0;
  const measure = isClasses ? 'balanced_accuracy' : isForecast ? 'mae' : null;
  return {
    nodes: [
      load,
      ...lags,
      node('split', 'split', [start + X_STEP, 0], {
        test_size: testSize,
        ...stratify
      }),
      ...models.map((name, row): INodeTemplate['nodes'][number] => ({
        id: NODES[name] ?? name,
        type: isClasses ? 'train_classifier' : 'train_regressor',
        config: {
          algorithm: name === 'seasonal_naive' ? 'naive' : name,
          ...(name === 'seasonal_naive'
            ? { repeat: `${target}_lag_${season}` }
            : {}),
          ...(folds > 0 ? { cross_validation: folds } : {})
        },
        at: [start + 2 * X_STEP, Y_STEP * row]
      })),
      {
        id: 'compare',
        type: isClasses ? 'compare_classifiers' : 'compare_regressors',
        // Each class has the same weight in the average.
        ...(measure ? { config: { measure } } : {}),
        at: [start + 3 * X_STEP, 0]
      },
      {
        id: figure,
        type: isClasses ? 'plot_confusion_matrix' : 'plot_predictions',
        at: [start + 4 * X_STEP, 0]
      },
      node('importance', 'plot_importance', [start + 4 * X_STEP, Y_STEP])
    ],
    edges: [
      ...(isForecast
        ? [edge('load.table', 'lags.data'), edge('lags.table', 'split.data')]
        : [edge('load.table', 'split.data')]),
      ...models.flatMap(name => [
        edge('split.train', `${NODES[name] ?? name}.data`),
        edge(`${NODES[name] ?? name}.model`, 'compare.models')
      ]),
      edge('split.test', 'compare.test'),
      edge('split.train', 'compare.train'),
      ...[figure, 'importance'].flatMap(name => [
        edge('compare.best', `${name}.model`),
        edge('split.test', `${name}.test`)
      ])
    ],
    predicts: []
  };
}

/** Returns whether the test rows can have the proportions of the classes. */
export function canStratify(
  { columns }: ITableProfile,
  choice: ITableChoice
): boolean {
  const target = withRole(choice, 'target');
  return (
    choice.task === 'classification' &&
    withRole(choice, 'time') === undefined &&
    withRole(choice, 'group') === undefined &&
    columns.some(({ name, kind }) => name === target && kind !== 'other')
  );
}

/** A node of a template, with its component and its place. */
export function node(
  id: string,
  type: string,
  at: [number, number],
  config?: Record<string, Value>
): INodeTemplate['nodes'][number] {
  return { id, type, at, config };
}

/** "node.output" to "node.input" */
export function edge(from: string, to: string): INodeTemplate['edges'][number] {
  const [source, source_port] = from.split('.');
  const [target, target_port] = to.split('.');
  return { source, source_port, target, target_port };
}
