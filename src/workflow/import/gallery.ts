import { trans } from '../../ui/locale';
import type { Value } from '../document/values';
import type { INodeTemplate } from '../store/templates';
import { edge } from './tableTemplate';

/** A workflow to begin with, made of the library's components. */
export interface ITemplate extends INodeTemplate {
  key: string;
  title: string;
  description: string;
}

/** Steps that are learned from training rows, with the port of what they learned. */
const PREPARATION: {
  id: string;
  type: string;
  model: string;
  config?: Record<string, Value>;
}[] = [
  { id: 'impute', type: 'impute_missing', model: 'imputer' },
  { id: 'encode', type: 'encode_categories', model: 'encoder' },
  { id: 'scale', type: 'scale_columns', model: 'scaler' },
  { id: 'select', type: 'select_features', model: 'selector' },
  {
    id: 'reduce',
    type: 'reduce_dimensions',
    model: 'reducer',
    config: { components: 3 }
  }
];

/** Components that evaluate a classifier on test rows, with the port of the model. */
const JUDGES: readonly [string, string, string][] = [
  ['matrix', 'plot_confusion_matrix', 'model'],
  ['roc', 'plot_roc_curve', 'models'],
  ['precision', 'plot_precision_recall', 'models'],
  ['calibration', 'plot_calibration', 'models'],
  ['importance', 'plot_importance', 'model']
];

export function templates(): ITemplate[] {
  return [
    {
      key: 'classification',
      title: trans.__('Classification'),
      description: trans.__(
        'Train two classifiers and compare them on a test set'
      ),
      nodes: [
        sample('wine'),
        {
          id: 'split',
          type: 'split',
          config: { stratify: 'target' },
          at: [272, 0]
        },
        {
          id: 'forest',
          type: 'train_classifier',
          config: { algorithm: 'random_forest' },
          at: [544, -90]
        },
        {
          id: 'linear',
          type: 'train_classifier',
          config: { algorithm: 'logistic_regression' },
          at: [544, 90]
        },
        { id: 'compare', type: 'compare_classifiers', at: [816, 0] }
      ],
      edges: [
        edge('load.table', 'split.data'),
        edge('split.train', 'forest.data'),
        edge('split.train', 'linear.data'),
        edge('forest.model', 'compare.models'),
        edge('linear.model', 'compare.models'),
        edge('split.test', 'compare.test')
      ],
      predicts: ['forest', 'linear', 'compare']
    },
    {
      key: 'regression',
      title: trans.__('Regression'),
      description: trans.__(
        'Train a regressor, evaluate it and plot its predictions on a test set'
      ),
      nodes: [
        sample('diabetes'),
        { id: 'split', type: 'split', at: [272, 0] },
        { id: 'train', type: 'train_regressor', at: [544, -90] },
        { id: 'compare', type: 'compare_regressors', at: [816, -90] },
        { id: 'plot', type: 'plot_predictions', at: [816, 90] },
        { id: 'residuals', type: 'plot_residuals', at: [816, 270] }
      ],
      edges: [
        edge('load.table', 'split.data'),
        edge('split.train', 'train.data'),
        edge('train.model', 'compare.models'),
        edge('split.test', 'compare.test'),
        edge('train.model', 'plot.model'),
        edge('split.test', 'plot.test'),
        edge('train.model', 'residuals.model'),
        edge('split.test', 'residuals.test')
      ],
      predicts: ['train', 'compare', 'plot', 'residuals']
    },
    {
      key: 'clusters',
      title: trans.__('Clustering'),
      description: trans.__('Cluster rows and score the clusters (silhouette)'),
      nodes: [
        sample('iris'),
        { id: 'group', type: 'train_clusters', at: [272, 0] }
      ],
      edges: [edge('load.table', 'group.data')],
      predicts: []
    },
    {
      key: 'preparation',
      title: trans.__('Data preparation'),
      description: trans.__(
        'Check, clean, filter and convert a table step by step, then save it'
      ),
      ...chain([
        ['load', 'sample_data', 'table', { dataset: 'wine' }],
        ['check', 'check_table', 'table', { columns: ['target'] }],
        ['clean', 'clean_rows', 'table', { missing: 'keep' }],
        ['select', 'select_columns', 'table'],
        ['rename', 'rename_columns', 'table'],
        [
          'convert',
          'convert_types',
          'table',
          { columns: ['target'], to: 'text' }
        ],
        [
          'filter',
          'filter_rows',
          'table',
          { column: 'target', condition: 'is_not_missing' }
        ],
        [
          'compute',
          'formula',
          'table',
          { column: 'is_missing', expression: 'is_missing(`target`)' }
        ],
        ['sort', 'sort_rows', 'table', { columns: ['target'] }],
        ['sample', 'sample_rows', 'table', { rows: 100 }],
        ['save', 'save_table', 'file']
      ]),
      predicts: []
    },
    {
      key: 'reshaping',
      title: trans.__('Groups, joins and pivots'),
      description: trans.__(
        'Summarize groups, join them to the rows, and turn columns into rows and back'
      ),
      nodes: [
        sample('iris'),
        {
          id: 'group',
          type: 'group_rows',
          config: { by: ['target'] },
          at: [272, -90]
        },
        {
          id: 'unpivot',
          type: 'unpivot_table',
          config: { keep: ['target'] },
          at: [544, -180]
        },
        {
          id: 'pivot',
          type: 'pivot_table',
          config: { rows: ['target'], columns: 'variable', values: 'value' },
          at: [816, -180]
        },
        {
          id: 'join',
          type: 'join_tables',
          config: { columns: ['target'] },
          at: [544, 0]
        },
        { id: 'append', type: 'concatenate_tables', at: [272, 180] },
        {
          id: 'histogram',
          type: 'plot_histogram',
          config: { column: 'target' },
          at: [544, 180]
        },
        {
          id: 'scatter',
          type: 'plot_scatter',
          config: { x: 'target', y: 'target' },
          at: [816, 90]
        }
      ],
      edges: [
        edge('load.table', 'group.data'),
        edge('group.table', 'unpivot.data'),
        edge('unpivot.table', 'pivot.data'),
        edge('load.table', 'join.left'),
        edge('group.table', 'join.right'),
        edge('load.table', 'append.tables'),
        edge('append.table', 'histogram.data'),
        edge('join.table', 'scatter.data')
      ],
      predicts: []
    },
    {
      key: 'leak-free',
      title: trans.__('Preparation without leaks'),
      description: trans.__(
        'Learn imputation, encoding, scaling and components from the training rows alone, predict the test rows and judge the model'
      ),
      nodes: [
        sample('wine'),
        { id: 'split', type: 'split', at: [272, 0] },
        ...PREPARATION.map(({ id, type, config }, n) => ({
          id,
          type,
          config,
          at: [544 + 272 * n, -90] as [number, number]
        })),
        ...PREPARATION.map(({ id }, n) => ({
          id: `${id}_test`,
          type: 'transform_table',
          at: [544 + 272 * n, 90] as [number, number]
        })),
        { id: 'train', type: 'train_classifier', at: [1904, -180] },
        { id: 'tune', type: 'tune_model', at: [1904, -360] },
        { id: 'validate', type: 'cross_validate', at: [2176, -360] },
        {
          id: 'measures',
          type: 'plot_metrics',
          at: [2448, -360]
        },
        { id: 'learning', type: 'plot_learning_curve', at: [2176, -180] },
        { id: 'predict', type: 'predict', at: [2176, 0] },
        { id: 'save', type: 'save_table', at: [2448, 0] },
        ...JUDGES.map(([id, type], n) => ({
          id,
          type,
          at: [2176 + 272 * (n % 3), 180 + 180 * Math.floor(n / 3)] as [
            number,
            number
          ]
        }))
      ],
      edges: [
        edge('load.table', 'split.data'),
        ...PREPARATION.flatMap(({ id, model }, n) => {
          const before = PREPARATION[n - 1]?.id;
          return [
            edge(before ? `${before}.table` : 'split.train', `${id}.data`),
            edge(`${id}.${model}`, `${id}_test.transformer`),
            edge(
              before ? `${before}_test.table` : 'split.test',
              `${id}_test.data`
            )
          ];
        }),
        edge('reduce.table', 'train.data'),
        edge('reduce.table', 'tune.data'),
        edge('train.model', 'validate.models'),
        edge('tune.model', 'validate.models'),
        edge('reduce.table', 'validate.data'),
        edge('validate.metrics', 'measures.metrics'),
        edge('train.model', 'learning.model'),
        edge('reduce.table', 'learning.data'),
        edge('train.model', 'predict.model'),
        edge('reduce_test.table', 'predict.data'),
        edge('predict.table', 'save.data'),
        ...JUDGES.flatMap(([id, , port]) => [
          edge('train.model', `${id}.${port}`),
          edge('reduce_test.table', `${id}.test`)
        ])
      ],
      predicts: [
        'select',
        'train',
        'tune',
        'validate',
        'learning',
        ...JUDGES.map(([id]) => id)
      ]
    }
  ];
}

function sample(dataset: string): ITemplate['nodes'][number] {
  return { id: 'load', type: 'sample_data', config: { dataset }, at: [0, 0] };
}

/** Nodes that each read the table of the one before: id, type, output, settings. */
function chain(
  steps: [string, string, string, Record<string, Value>?][]
): Pick<ITemplate, 'nodes' | 'edges'> {
  return {
    nodes: steps.map(([id, type, , config], n) => ({
      id,
      type,
      config,
      at: [272 * n, 0]
    })),
    edges: steps
      .slice(1)
      .map(([id], n) => edge(`${steps[n][0]}.${steps[n][2]}`, `${id}.data`))
  };
}
