import { Token } from '@lumino/coreutils';

import type { IEventStream, MLWSClient } from '../api/client';
import type { IWorkflowEvent, IWorkspaceEvent } from '../api/models';
import type { OpenDocuments } from './documents';
import type { MainViews } from './mainArea';
import type { IModelActions } from '../models/actions';
import type { MLWSSidebar } from '../git/sidebar';

/** The name of the factory that opens a `dvc.yaml` as a graph. */
export const CANVAS_FACTORY = 'Workflow';

/** The client of the server's API. */
export type IMLWSClient = MLWSClient;
export const IMLWSClient = new Token<IMLWSClient>(
  'jupyter-mlws:IMLWSClient',
  'The client of the MLWS server API.'
);

/** Live events of all runs of the current project, whoever started them. */
export type IWorkflowEvents = IEventStream<IWorkflowEvent>;
export const IWorkflowEvents = new Token<IWorkflowEvents>(
  'jupyter-mlws:IWorkflowEvents',
  'The shared stream of workflow runs and node states.'
);

/** Live events of changes in the current project: code, data, history, components, workflows. */
export type IWorkspaceEvents = IEventStream<IWorkspaceEvent>;
export const IWorkspaceEvents = new Token<IWorkspaceEvents>(
  'jupyter-mlws:IWorkspaceEvents',
  'The shared stream of changes in the workspace.'
);

/** The panel in the left area, to which other parts add their sections. */
export type IMLWSSidebar = MLWSSidebar;
export const IMLWSSidebar = new Token<IMLWSSidebar>(
  'jupyter-mlws:IMLWSSidebar',
  'The panel of versions, workflows and containers in the left area.'
);

/** The views of the main area. */
export type IMainViews = MainViews;
export const IMainViews = new Token<IMainViews>(
  'jupyter-mlws:IMainViews',
  'The views of diffs, tables, lineage and logs in the main area.'
);

/** The open documents of the lab. */
export type IOpenDocuments = OpenDocuments;
export const IOpenDocuments = new Token<IOpenDocuments>(
  'jupyter-mlws:IOpenDocuments',
  'The open documents of the lab: saved, reloaded and opened.'
);

/** The actions on registered models, for all views of runs and versions. */
export type IModelRegistry = IModelActions;
export const IModelRegistry = new Token<IModelRegistry>(
  'jupyter-mlws:IModelRegistry',
  'The actions on registered models.'
);
