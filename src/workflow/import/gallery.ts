import { trans } from '../../ui/locale';
import type { Value } from '../document/values';
import type { INodeTemplate } from '../store/templates';
import { edge, node } from './tableTemplate';

/** Template of a workflow, made of built-in components. */
export interface ITemplate extends INodeTemplate {
  key: string;
  title: string;
  description: string;
}

/** Steps fitted to training rows, with the port of their fitted state. */
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
const EVALUATORS: readonly [string, string, string][] = [
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
        node('split', 'split', [272, 0], { stratify: 'target' }),
        node('forest', 'train_classifier', [544, -90], {
          algorithm: 'random_forest'
        }),
        node('linear', 'train_classifier', [544, 90], {
          algorithm: 'logistic_regression'
        }),
        node('compare', 'compare_classifiers', [816, 0])
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
        node('split', 'split', [272, 0]),
        node('train', 'train_regressor', [544, -90]),
        node('compare', 'compare_regressors', [816, -90]),
        node('plot', 'plot_predictions', [816, 90]),
        node('residuals', 'plot_residuals', [816, 270])
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
      nodes: [sample('iris'), node('group', 'train_clusters', [272, 0])],
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
        node('group', 'group_rows', [272, -90], { by: ['target'] }),
        node('unpivot', 'unpivot_table', [544, -180], { keep: ['target'] }),
        node('pivot', 'pivot_table', [816, -180], {
          rows: ['target'],
          columns: 'variable',
          values: 'value'
        }),
        node('join', 'join_tables', [544, 0], { columns: ['target'] }),
        node('append', 'concatenate_tables', [272, 180]),
        node('histogram', 'plot_histogram', [544, 180], { column: 'target' }),
        node('scatter', 'plot_scatter', [816, 90], { x: 'target', y: 'target' })
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
        node('split', 'split', [272, 0]),
        ...PREPARATION.map(({ id, type, config }, n) =>
          node(id, type, [544 + 272 * n, -90], config)
        ),
        ...PREPARATION.map(({ id }, n) =>
          node(`${id}_test`, 'transform_table', [544 + 272 * n, 90])
        ),
        node('train', 'train_classifier', [1904, -180]),
        node('tune', 'tune_model', [1904, -360]),
        node('validate', 'cross_validate', [2176, -360]),
        node('measures', 'plot_metrics', [2448, -360]),
        node('learning', 'plot_learning_curve', [2176, -180]),
        node('predict', 'predict', [2176, 0]),
        node('save', 'save_table', [2448, 0]),
        ...EVALUATORS.map(([id, type], n) =>
          node(id, type, [2176 + 272 * (n % 3), 180 + 180 * Math.floor(n / 3)])
        )
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
        ...EVALUATORS.flatMap(([id, , port]) => [
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
        ...EVALUATORS.map(([id]) => id)
      ]
    }
  ];
}

function sample(dataset: string): ITemplate['nodes'][number] {
  return node('load', 'sample_data', [0, 0], { dataset });
}

/** Chain of nodes, each reading the table of its predecessor: id, type, output, settings. */
function chain(
  steps: [string, string, string, Record<string, Value>?][]
): Pick<ITemplate, 'nodes' | 'edges'> {
  return {
    nodes: steps.map(([id, type, , config], n) =>
      node(id, type, [272 * n, 0], config)
    ),
    edges: steps
      .slice(1)
      .map(([id], n) => edge(`${steps[n][0]}.${steps[n][2]}`, `${id}.data`))
  };
}
