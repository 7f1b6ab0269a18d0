import { Token } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';
import type { ComponentType } from 'react';

import type { IEventStream, MLWSClient } from '../api/client';
import type {
  IExperimentRun,
  IModelVersion,
  IWorkflowEvent,
  IWorkspaceEvent
} from '../api/models';
import type { OpenDocuments } from './documents';
import type { MainViews } from './mainArea';
import type { ServerView } from '../ui/server';

/** The name of the factory that opens a `dvc.yaml` as a graph. */
export const CANVAS_FACTORY = 'Workflow';

/** The client of the server's API. */
export type IMLWSClient = MLWSClient;
export const IMLWSClient = new Token<IMLWSClient>(
  'jupyter-mlws:IMLWSClient',
  'The client of the MLWS server API.'
);

/** Event stream of all runs of the current project. */
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

/** Panel of the left area: "code" is Source Control. */
export type PanelName = 'code' | 'workspace';

/** A view, and its place in the sidebar. */
export interface ISection {
  panel: PanelName;
  view: ServerView;
  /** Position: sections are sorted by rank; those without are last. */
  rank?: number;
  /** Share of the height; 5 by default. */
  size?: number;
  /** Default height in pixels, until the user resizes the section. */
  room?: number;
  /** True if it is folded at first. */
  folded?: boolean;
  /** True if it sends no requests while it is folded. */
  lazy?: boolean;
  /** True if it is also there without a trusted project. */
  ofServer?: boolean;
}

/** Panels in the left area, to which plugins add their sections. */
export interface IMLWSSidebar {
  /** Adds a section to its panel, which takes ownership of it. */
  addSection(section: ISection): void;
  /** Adds a starting view below the welcome, which takes ownership of it. */
  addBeginning(view: ServerView): void;
  /** Activates the panel of a section, and unfolds the section. */
  show(view: Widget): Promise<void>;
}
export const IMLWSSidebar = new Token<IMLWSSidebar>(
  'jupyter-mlws:IMLWSSidebar',
  'The panels of versions, workflows and containers in the left area.'
);

export type IMainViews = MainViews;
export const IMainViews = new Token<IMainViews>(
  'jupyter-mlws:IMainViews',
  'The views of diffs, tables, lineage and logs in the main area.'
);

/** Open documents of JupyterLab. */
export type IOpenDocuments = OpenDocuments;
export const IOpenDocuments = new Token<IOpenDocuments>(
  'jupyter-mlws:IOpenDocuments',
  'The open documents of the lab: saved, reloaded and opened.'
);

/** The properties of the graph of a run. */
export interface IRunGraphProps {
  client: MLWSClient;
  /** Path of the workflow, and ID of its run. */
  workflow: string;
  run: string;
  /** Called with a node of the run that was chosen. */
  onOpen: (node: string) => void;
}

/** Draws the workflow of a run, with the state of each node. */
export type IRunGraph = ComponentType<IRunGraphProps>;
export const IRunGraph = new Token<IRunGraph>(
  'jupyter-mlws:IRunGraph',
  'The graph of a run of a workflow.'
);

/** Actions on registered models, for all views of runs and versions. */
export interface IModelRegistry {
  /** Opens the page of a model. */
  open(name: string): void;
  /** Asks for an alias, and sets it to the version. */
  promote(version: IModelVersion): Promise<void>;
  removeAlias(version: IModelVersion, alias: string): void;
  /** Shows versions side by side, by their ids. */
  compare(ids: readonly string[]): void;
  /** Registers a run, or a run chosen by the user, as a version of a model. */
  register(run?: IExperimentRun): void;
  lineage(version: IModelVersion): void;
}
export const IModelRegistry = new Token<IModelRegistry>(
  'jupyter-mlws:IModelRegistry',
  'The actions on registered models.'
);
