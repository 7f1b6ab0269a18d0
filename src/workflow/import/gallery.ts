import type { TranslationBundle } from '@jupyterlab/translation';

import type { INodeTemplate } from '../store/templates';

/** A workflow to begin with, made of the library's components. */
export interface ITemplate extends INodeTemplate {
  key: string;
  title: string;
  description: string;
}

export function templates(trans: TranslationBundle): ITemplate[] {
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
        { id: 'plot', type: 'plot_predictions', at: [816, 90] }
      ],
      edges: [
        edge('load.table', 'split.data'),
        edge('split.train', 'train.data'),
        edge('train.model', 'compare.models'),
        edge('split.test', 'compare.test'),
        edge('train.model', 'plot.model'),
        edge('split.test', 'plot.test')
      ],
      predicts: ['train', 'compare', 'plot']
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
    }
  ];
}

function sample(dataset: string): ITemplate['nodes'][number] {
  return { id: 'load', type: 'sample_data', config: { dataset }, at: [0, 0] };
}

/** "node.output" to "node.input" */
function edge(from: string, to: string): ITemplate['edges'][number] {
  const [source, source_port] = from.split('.');
  const [target, target_port] = to.split('.');
  return { source, source_port, target, target_port };
}
