import type { IThemeManager } from '@jupyterlab/apputils';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import type { MLWSClient } from '../api/client';
import type { IExperimentRun, IRunDetail } from '../api/models';
import type { IRunGraph } from '../lab/tokens';
import type { RunActions } from './actions';
import { keyOf } from './table';

export interface IProps {
  client: MLWSClient;
  actions: RunActions;
  rendermime: IRenderMimeRegistry;
  themes: IThemeManager | null;
  /** Colors code by its language. */
  languages: IEditorLanguageRegistry | null;
  /** Draws the workflow of a run; null without the canvas. */
  RunGraph: IRunGraph | null;
  /** ID of the run in MLflow, or that of a workflow's run. */
  run: string;
  /** Called with the name of the run once it is known. */
  onName: (name: string) => void;
}

/** A part of the page. */
export interface IPartProps extends Omit<IProps, 'run'> {
  run: IRunDetail;
  baseline: IExperimentRun | null;
}

/** Tests whether a metric, by its name, is of the use of the machine, as MLflow names them. */
export const isSystemMetric = (name: string) => name.startsWith('system/');

export const pathOf = (run: IExperimentRun) =>
  `/runs/${encodeURIComponent(keyOf(run))}` as const;
