/** An icon for each operation: Lucide's, under the ISC licence beside them. */

import {
  codeIcon,
  notebookIcon,
  type LabIcon
} from '@jupyterlab/ui-components';

import arrowDownUp from '../../style/icons/lucide/arrow-down-up.svg';
import binary from '../../style/icons/lucide/binary.svg';
import brainCircuit from '../../style/icons/lucide/brain-circuit.svg';
import brain from '../../style/icons/lucide/brain.svg';
import chartColumn from '../../style/icons/lucide/chart-column.svg';
import chartScatter from '../../style/icons/lucide/chart-scatter.svg';
import chartSpline from '../../style/icons/lucide/chart-spline.svg';
import circleAlert from '../../style/icons/lucide/circle-alert.svg';
import circleCheck from '../../style/icons/lucide/circle-check.svg';
import circleDashed from '../../style/icons/lucide/circle-dashed.svg';
import circlePlus from '../../style/icons/lucide/circle-plus.svg';
import circleSlash from '../../style/icons/lucide/circle-slash.svg';
import circleX from '../../style/icons/lucide/circle-x.svg';
import clipboardCheck from '../../style/icons/lucide/clipboard-check.svg';
import clock from '../../style/icons/lucide/clock.svg';
import columns from '../../style/icons/lucide/columns-3.svg';
import combine from '../../style/icons/lucide/combine.svg';
import crosshair from '../../style/icons/lucide/crosshair.svg';
import database from '../../style/icons/lucide/database.svg';
import dices from '../../style/icons/lucide/dices.svg';
import eraser from '../../style/icons/lucide/eraser.svg';
import fileText from '../../style/icons/lucide/file-text.svg';
import files from '../../style/icons/lucide/files.svg';
import filter from '../../style/icons/lucide/filter.svg';
import flask from '../../style/icons/lucide/flask-conical.svg';
import grid2 from '../../style/icons/lucide/grid-2x2.svg';
import grid3 from '../../style/icons/lucide/grid-3x3.svg';
import group from '../../style/icons/lucide/group.svg';
import image from '../../style/icons/lucide/image.svg';
import layers from '../../style/icons/lucide/layers.svg';
import listChecks from '../../style/icons/lucide/list-checks.svg';
import listFilter from '../../style/icons/lucide/list-filter.svg';
import loader from '../../style/icons/lucide/loader-circle.svg';
import network from '../../style/icons/lucide/network.svg';
import packageCheck from '../../style/icons/lucide/package-check.svg';
import packageOpen from '../../style/icons/lucide/package-open.svg';
import paintBucket from '../../style/icons/lucide/paint-bucket.svg';
import replace from '../../style/icons/lucide/replace.svg';
import rotate from '../../style/icons/lucide/rotate-ccw.svg';
import rows from '../../style/icons/lucide/rows-3.svg';
import ruler from '../../style/icons/lucide/ruler.svg';
import save from '../../style/icons/lucide/save.svg';
import scale from '../../style/icons/lucide/scale.svg';
import settings from '../../style/icons/lucide/settings-2.svg';
import shrink from '../../style/icons/lucide/shrink.svg';
import sigma from '../../style/icons/lucide/sigma.svg';
import sliders from '../../style/icons/lucide/sliders-horizontal.svg';
import snowflake from '../../style/icons/lucide/snowflake.svg';
import split from '../../style/icons/lucide/split.svg';
import table2 from '../../style/icons/lucide/table-2.svg';
import tableProperties from '../../style/icons/lucide/table-properties.svg';
import table from '../../style/icons/lucide/table.svg';
import terminal from '../../style/icons/lucide/terminal.svg';
import cursor from '../../style/icons/lucide/text-cursor-input.svg';
import trending from '../../style/icons/lucide/trending-up.svg';
import trophy from '../../style/icons/lucide/trophy.svg';
import wand from '../../style/icons/lucide/wand-sparkles.svg';
import wholeWord from '../../style/icons/lucide/whole-word.svg';
import { componentIcon, icon } from '../ui/fileIcons';
import type { IGraphNode } from './graph/graph';
import type { NodeMark } from './graph/marks';

export const trophyIcon = icon('trophy', trophy);
export const addIcon = icon('circle-plus', circlePlus);
export const subworkflowIcon = icon('subworkflow', group);
export const faultIcon = icon('circle-alert', circleAlert);

/** The icons of the library's components, by their names. */
const OPERATIONS: Record<string, LabIcon> = {
  load_table: icon('table', table),
  load_sql: icon('database', database),
  sample_data: icon('flask', flask),
  load_model: icon('package-open', packageOpen),
  load_texts: icon('files', files),
  vectorize_text: icon('whole-word', wholeWord),
  load_images: icon('image', image),
  image_pixels: icon('grid-3', grid3),
  data_preprocessing: icon('settings', settings),
  select_columns: icon('columns', columns),
  clean_rows: icon('eraser', eraser),
  prepare_columns: icon('list-checks', listChecks),
  encode_categories: icon('binary', binary),
  impute_missing: icon('paint-bucket', paintBucket),
  check_table: icon('clipboard-check', clipboardCheck),
  filter_rows: icon('filter', filter),
  sort_rows: icon('arrow-down-up', arrowDownUp),
  sample_rows: icon('dices', dices),
  add_lags: icon('lags', clock),
  rename_columns: icon('cursor', cursor),
  convert_types: icon('replace', replace),
  formula: icon('sigma', sigma),
  join_tables: icon('combine', combine),
  concatenate_tables: icon('rows', rows),
  group_rows: icon('group', group),
  pivot_table: icon('table-2', table2),
  unpivot_table: icon('table-properties', tableProperties),
  scale_columns: icon('ruler', ruler),
  select_features: icon('list-filter', listFilter),
  reduce_dimensions: icon('shrink', shrink),
  transform_table: icon('wand', wand),
  split: icon('split', split),
  train_classifier: icon('brain', brain),
  train_regressor: icon('trending', trending),
  train_clusters: icon('chart-scatter', chartScatter),
  model_training: icon('brain', brain),
  train_network: icon('brain-circuit', brainCircuit),
  tune_model: icon('sliders', sliders),
  compare_classifiers: icon('scale', scale),
  compare_regressors: icon('scale', scale),
  cross_validate: icon('layers', layers),
  predict: icon('crosshair', crosshair),
  plot_metrics: icon('chart-column', chartColumn),
  plot_confusion_matrix: icon('grid-2', grid2),
  plot_histogram: icon('chart-column', chartColumn),
  plot_scatter: icon('chart-scatter', chartScatter),
  plot_roc_curve: icon('chart-spline', chartSpline),
  plot_predictions: icon('chart-scatter', chartScatter),
  plot_importance: icon('list-filter', listFilter),
  plot_precision_recall: icon('chart-spline', chartSpline),
  plot_calibration: icon('chart-spline', chartSpline),
  plot_residuals: icon('chart-scatter', chartScatter),
  plot_learning_curve: icon('chart-spline', chartSpline),
  save_table: icon('save', save),
  register_model: icon('package-check', packageCheck)
};

/** For components of a project, by their category. */
const CATEGORIES: Record<string, LabIcon> = {
  Load: OPERATIONS.load_table,
  Text: icon('file-text', fileText),
  Images: OPERATIONS.load_images,
  Prepare: OPERATIONS.data_preprocessing,
  Clean: OPERATIONS.clean_rows,
  Transform: OPERATIONS.convert_types,
  Features: OPERATIONS.scale_columns,
  Split: OPERATIONS.split,
  Train: OPERATIONS.train_classifier,
  Tune: OPERATIONS.tune_model,
  Evaluate: OPERATIONS.compare_classifiers,
  Plot: OPERATIONS.plot_metrics,
  Export: OPERATIONS.save_table,
  Register: OPERATIONS.register_model,
  Project: codeIcon,
  Code: codeIcon
};

const KINDS: Record<string, LabIcon> = {
  notebook: notebookIcon,
  script: codeIcon,
  shell: icon('terminal', terminal),
  sweep: icon('network', network)
};

/** Returns the icon of a component by its name, else by its category. */
export function componentIconOf(name: string, category: string): LabIcon {
  return OPERATIONS[name] ?? CATEGORIES[category] ?? componentIcon;
}

export function operationIcon(
  node: Pick<IGraphNode, 'kind' | 'component' | 'componentName'>
): LabIcon {
  const { component, componentName, kind } = node;
  return componentName
    ? componentIconOf(componentName, component?.group ?? '')
    : (KINDS[kind] ?? componentIcon);
}

export const MARK_ICONS: Record<NodeMark, LabIcon> = {
  running: icon('loader', loader),
  waiting: icon('clock', clock),
  failed: icon('circle-x', circleX),
  run: icon('circle-dashed', circleDashed),
  restorable: icon('rotate', rotate),
  cached: icon('circle-check', circleCheck),
  frozen: icon('snowflake', snowflake),
  stopped: icon('circle-slash', circleSlash)
};
