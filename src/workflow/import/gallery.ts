import type { TranslationBundle } from '@jupyterlab/translation';

/** A workflow to begin with, made of the library's components. */
export interface ITemplate {
  key: string;
  title: string;
  description: string;
  nodes: {
    id: string;
    type: string;
    config?: Record<string, unknown>;
    at: [number, number];
  }[];
  edges: {
    source: string;
    source_port: string;
    target: string;
    target_port: string;
  }[];
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
          at: [220, 0]
        },
        {
          id: 'forest',
          type: 'train_classifier',
          config: { algorithm: 'random_forest' },
          at: [440, -70]
        },
        {
          id: 'linear',
          type: 'train_classifier',
          config: { algorithm: 'logistic_regression' },
          at: [440, 70]
        },
        { id: 'compare', type: 'compare_classifiers', at: [660, 0] }
      ],
      edges: [
        edge('load.table', 'split.data'),
        edge('split.train', 'forest.data'),
        edge('split.train', 'linear.data'),
        edge('forest.model', 'compare.models'),
        edge('linear.model', 'compare.models'),
        edge('split.test', 'compare.test')
      ]
    },
    {
      key: 'regression',
      title: trans.__('Regression'),
      description: trans.__(
        'Train a regressor, evaluate it and plot its predictions on a test set'
      ),
      nodes: [
        sample('diabetes'),
        { id: 'split', type: 'split', at: [220, 0] },
        { id: 'train', type: 'train_regressor', at: [440, -70] },
        { id: 'compare', type: 'compare_regressors', at: [660, -70] },
        { id: 'plot', type: 'plot_predictions', at: [660, 70] }
      ],
      edges: [
        edge('load.table', 'split.data'),
        edge('split.train', 'train.data'),
        edge('train.model', 'compare.models'),
        edge('split.test', 'compare.test'),
        edge('train.model', 'plot.model'),
        edge('split.test', 'plot.test')
      ]
    },
    {
      key: 'clusters',
      title: trans.__('Clustering'),
      description: trans.__('Cluster rows and score the clusters (silhouette)'),
      nodes: [
        sample('iris'),
        { id: 'group', type: 'train_clusters', at: [220, 0] }
      ],
      edges: [edge('load.table', 'group.data')]
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
