import type { ISharedFile } from '@jupyter/ydoc';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { INotebookContent } from '@jupyterlab/nbformat';
import type { IThemeManager } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Widget } from '@lumino/widgets';
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query';
import {
  createContext,
  createElement,
  useContext,
  type ReactNode
} from 'react';
import type { IRunSummary } from '../api/models';
import type { INodeDifference } from './graph/graphDiff';
import type { ITextEdit } from './document/textEdits';
import type { CanvasModel } from './store/model';
import type { PanesStore } from './store/panes';
import type { Preferences } from './store/preferences';

/** Operations that the canvas delegates to JupyterLab. */
export interface ILabActions {
  queries: QueryClient;
  /** Opens the file in the text editor. */
  openAsText: () => void;
  /** Asks for a file whose name matches; resolves to its path from the project's root, or null. */
  chooseFile: (pattern: RegExp) => Promise<string | null>;
  /** Uploads files into the project; resolves to their paths from its root. */
  uploadFiles: (files: readonly File[]) => Promise<string[]>;
  /** Shows a table of the project, and adds the nodes of a first model. */
  openTable: (path: string) => void;
  openTemplates: () => void;
  /** Opens a node that has failed in a run as a notebook. */
  openFailed: (run: string, node: string) => void;
  params: IParamsDocuments;
  code: ICodeDocuments;
  /** Opens a workflow for reading, by its path from the project's root. */
  openSource: (path: string) => Promise<{ sharedModel: ISharedFile }>;
  /** Writes a new workflow; returns its path from the project's root. */
  createWorkflow: (
    title: string,
    textOf: (path: string) => string
  ) => Promise<string>;
  /** Opens a file of the project; at a line, which counts from 1, in the text editor. */
  openFile: (path: string, line?: number) => void;
  /** Shows data with its snapshots; with `track` it is added to DVC. */
  showData: (path: string, track: boolean) => void;
  /** Renderers by MIME type. */
  renderers: IRenderMimeRegistry;
  /** Null if themes are not available. */
  themes: IThemeManager | null;
  preferences: Preferences;
  panes: PanesStore;
  /** Opens the workflow and the results that a run had; they cannot be edited there. */
  showRun: (run: IRunSummary) => void;
  /** Differences and actions of the view of a past run; null on the present canvas. */
  past: IPastRun | null;
  /** Opens the report of the shown run. */
  showReport: () => void;
  /** Draws a notebook that cannot be edited. */
  createNotebookView: (notebook: INotebookContent) => Promise<Widget>;
}

/** A past run that is shown with the workflow that it had. */
export interface IPastRun {
  /** The differences to the present workflow, node by node. */
  differences: readonly INodeDifference[];
  /** Shows both workflows as one graph. */
  compare: () => void;
  /** Returns to the workflow as it is now. */
  leave: () => void;
  /** Restores the workflow of the run, as one step that can be undone. */
  restore: () => void;
}

/** Context of every part of the canvas. */
export interface ICanvasContext extends ILabActions {
  model: CanvasModel;
}

/** Files of parameters, by their paths from the project's root. */
export interface IParamsDocuments {
  open(path: string): Promise<{ sharedModel: ISharedFile }>;
  /** Changes a file and writes it. */
  edit(path: string, edits: readonly ITextEdit[]): void;
}

/** An editor, and the text that it shows. */
export interface ICodeEditor {
  editor: CodeEditor.IEditor;
  sharedModel: ISharedFile;
}

/** Files of code that are edited in place, by their paths from the project's root. */
export interface ICodeDocuments {
  /** Opens a file in a new editor inside `host`; its owner disposes it. */
  createEditor(path: string, host: HTMLElement): Promise<ICodeEditor>;
  /** Writes unsaved edits. */
  save(path: string): Promise<void>;
}

export const CanvasContext = createContext<ICanvasContext | null>(null);

/** Provides the context of a canvas, and its queries. */
export function CanvasProvider(props: {
  value: ICanvasContext;
  children: ReactNode;
}): JSX.Element {
  const { value, children } = props;
  return createElement(
    QueryClientProvider,
    { client: value.queries },
    createElement(CanvasContext.Provider, { value }, children)
  );
}

export function useCanvas(): ICanvasContext {
  const context = useContext(CanvasContext);
  if (!context) {
    throw new Error('This part of the canvas stands outside of it.');
  }
  return context;
}
