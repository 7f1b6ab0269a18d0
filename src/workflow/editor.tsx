import type { IThemeManager } from '@jupyterlab/apputils';
import type { CodeEditor, IEditorServices } from '@jupyterlab/codeeditor';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { PathExt } from '@jupyterlab/coreutils';
import type { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { Notebook } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IStateDB } from '@jupyterlab/statedb';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import type { MLWSClient } from '../api/client';
import { chooseFile as chooseLabFile } from '../lab/chooseFile';
import { uploadFiles } from '../lab/upload';
import { fullTime } from '../ui/format';
import type { IMainViews } from '../lab/tokens';
import { CanvasView, type ICanvasViewProps } from './canvas/view';
import { runnerOf } from './document/stages';
import { setTitle } from './document/variables';
import { focusNextPane } from './canvas/nextPane';
import * as exports from './export/export';
import { createWorkflow } from './import/create';
import { startWithTable } from './import/tableDialog';
import { fillFromTemplate } from './import/templateDialog';
import { programFile } from './graph/keySettings';
import { DiskFollower } from './store/disk';
import * as gestures from './store/gestures';
import {
  CanvasProvider,
  type ILabActions,
  type IParamsDocuments
} from './context';
import { detachLabel } from './store/labInternals';
import { workflowIcon } from './icons';
import { CanvasModel } from './store/model';
import { type IPanesState, PanesStore } from './store/panes';
import { TextFiles } from './store/params';
import type { Preferences } from './store/preferences';
import { WorkflowService } from './store/service';
import { trans } from '../ui/locale';

type Context = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/** Reports a failed request to the user. */
export type Report = (error: unknown) => void;

/** Services of JupyterLab that an editor uses. */
export interface IEditorOptions {
  client: MLWSClient;
  manager: IDocumentManager;
  renderers: IRenderMimeRegistry;
  themes: IThemeManager | null;
  editors: IEditorServices;
  commands: CommandRegistry;
  preferences: Preferences;
  views: IMainViews;
  /** Null without notebook support. */
  notebookFactory: Notebook.IContentFactory | null;
  /** Null if no state is stored across a reload of the page. */
  state: IStateDB | null;
  report: Report;
}

/** Actions of JupyterLab that the editor and its dialogs use. */
interface IEditorActions extends ILabActions {
  params: IParamsDocuments & { refresh(): Promise<void>; dispose(): void };
  /** Converts a JupyterLab path to a project path; null (and reported) if outside. */
  fromRoot: (path: string) => string | null;
}

/** Key of the panes in JupyterLab's state database. */
const PANES_KEY = 'mlws-workflow-panes';

/** The folder of a project for data that is dropped on a canvas. */
const DATA_FOLDER = 'data';

/** Vertical distance of nodes, in pixels. */
const ROW_HEIGHT = 140;

/** Name of JupyterLab's widget factory for text. */
export const TEXT_EDITOR = 'Editor';

/**
 * Editor of an open `dvc.yaml`, synchronized with its file.
 *
 * This module and its imports load with the first canvas. Commands reach gestures and exports by an
 * editor, so that their modules do not load at JupyterLab's start.
 */
export class Editor {
  constructor(
    readonly context: Context,
    private _options: IEditorOptions
  ) {
    const { report, manager } = _options;
    this.model = new CanvasModel({
      sharedModel: context.model.sharedModel,
      path: localPath(context.path),
      get isDirty() {
        return context.model.dirty;
      },
      save: () => context.save(),
      asOwn: change => this.disk.asOwn(change)
    });
    const { model } = this;
    model.server.failed.connect((_, error) => report(error));
    this.lab = labActions(context, model, _options);
    // Pending edits are written first, since the follower takes the text for saved.
    context.saveState.connect(this._onSaveState, this);
    this.disk = new DiskFollower(context, manager.services.contents);
    this.disk.conflictChanged.connect((_, isThere) => {
      model.document.discard = isThere ? () => this.disk.takeFile() : null;
    });
    context.fileChanged.connect(model.runs.onSaved, model.runs);
  }
  readonly model: CanvasModel;
  readonly lab: IEditorActions;
  /** Synchronizes the document with its file. */
  readonly disk: DiskFollower;
  readonly gestures = gestures;
  readonly exports = exports;
  readonly focusNextPane = focusNextPane;

  /** Renders the canvas with its panels. */
  render(props: ICanvasViewProps): JSX.Element {
    const { model, lab } = this;
    return (
      <CanvasProvider value={{ ...lab, model }}>
        <CanvasView {...props} />
      </CanvasProvider>
    );
  }

  /** Gives the panes the sizes that they had when they were last used. */
  async restorePanes(): Promise<void> {
    const panes = await this._options.state?.fetch(PANES_KEY);
    this.lab.panes.restore(panes as Partial<IPanesState> | undefined);
  }

  /**
   * Gives the tab the workflow's title, or its folder's name: every file has the same name.
   *
   * A name that is typed into the tab becomes the title.
   */
  labelTab(widget: DocumentWidget): void {
    const { document } = this.model;
    const labelOf = (): string => {
      const { title, path } = document.workflow;
      return title || path.split('/').slice(-2, -1)[0] || path;
    };
    const update = (): void => {
      widget.title.label = labelOf();
    };
    detachLabel(widget);
    document.changed.connect(update);
    this.context.pathChanged.connect(update);
    widget.title.changed.connect(({ label }) => {
      const file = PathExt.basename(this.context.path);
      if (label !== labelOf() && label.trim() !== '' && label !== file) {
        document.edit(setTitle(label));
      }
      update();
    });
    update();
  }

  /** Finds the project around the file, and follows its runs. */
  async connect(): Promise<void> {
    await connectToServer(this.context, this.model, this._options);
  }

  /** Fills an empty workflow with a first model of a table, or with a node that loads it. */
  async startWith(table: string): Promise<void> {
    await this.model.catalog.whenKnown();
    await startWithTable(this.model, table);
    await this.context.save();
  }

  /** Runs a notebook as a node; a missing node is added below the others. */
  async runNotebook(path: string): Promise<void> {
    const { model, lab } = this;
    // Only then is the project known, and with it the file's path in it.
    await model.catalog.whenKnown();
    const file = lab.fromRoot(path);
    if (file === null) {
      return;
    }
    const { graph, positions } = model.drawing;
    const node = [...graph.nodes.values()].find(
      one => programFile(one) === file
    );
    if (node) {
      model.selection.select([node.id]);
    } else {
      const bottoms = [...positions.values()].map(({ y }) => y + ROW_HEIGHT);
      gestures.addFiles(model, [file], { x: 0, y: Math.max(0, ...bottoms) });
    }
    await model.runs.startOnly(model.selection.nodes);
  }

  /** Reloads the files that other programs may have changed. */
  async refreshFiles(): Promise<void> {
    await Promise.all([
      this.disk.refresh(),
      this.lab.params.refresh(),
      this.model.catalog.refresh()
    ]);
    await this.model.drawing.validate();
  }

  dispose(): void {
    this.context.saveState.disconnect(this._onSaveState, this);
    this.disk.dispose();
    this.lab.params.dispose();
    this.model.dispose();
  }

  private _onSaveState(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state === 'started') {
      this.model.document.flush();
    } else if (state === 'completed') {
      this.model.runs.onSaved();
    }
  }
}

function labActions(
  context: Context,
  model: CanvasModel,
  options: IEditorOptions
): IEditorActions {
  const { manager, commands, preferences, report, renderers } = options;
  const { views, state, notebookFactory } = options;
  /** The project's folder in JupyterLab, with a trailing slash; "" for the server's root. */
  const root = (): string => {
    const own = localPath(context.path);
    return own.slice(
      0,
      own.length - (model.server.service?.path ?? own).length
    );
  };
  const fromRoot = (path: string): string | null => {
    const local = localPath(path);
    if (local.startsWith(root())) {
      return local.slice(root().length);
    }
    report(new Error(trans.__("%1 is outside the workflow's project.", local)));
    return null;
  };
  const files = new TextFiles(manager);
  const open = async (path: string): ReturnType<TextFiles['open']> => {
    const file = await files.open(root() + path);
    model.document.history.follow(file.model.sharedModel, () => {
      // As an edit of it is, so is its undoing written at once.
      files
        .save(file)
        .then(() => model.runs.onSaved())
        .catch(report);
    });
    return file;
  };
  const chooseFile = async (pattern: RegExp): Promise<string | null> => {
    const title = trans.__('Select File');
    const path = await chooseLabFile(manager, title, pattern);
    return path === null ? null : fromRoot(path);
  };
  const pastPanes = new PanesStore();
  pastPanes.showTab('metrics');
  const showReport = (of: CanvasModel, key: string, name: string): void => {
    views
      .show(`report ${key}`, async () => {
        const { ReportWidget } = await import('./results/report');
        const context = { ...actions, model: of };
        const view = new ReportWidget(context);
        view.title.label = trans.__('Report: %1', name);
        return { view, icon: workflowIcon, toolbar: 'Report' };
      })
      .catch(report);
  };
  const panes = new PanesStore(current => {
    void state?.save(PANES_KEY, current as unknown as ReadonlyPartialJSONValue);
  });
  const createEditor = (
    model: CodeEditor.IModel,
    host: HTMLElement
  ): CodeEditor.IEditor => {
    model.mimeType = 'text/x-python';
    return options.editors.factoryService.newInlineEditor({
      host,
      model,
      config: { lineNumbers: true, lineWrap: false }
    });
  };
  const actions: IEditorActions = {
    queries: options.client.queries,
    params: {
      open: async path => (await open(path)).model,
      edit: (path, edits) => {
        open(path)
          .then(file => files.edit(file, edits))
          .then(() => model.runs.onSaved())
          .catch(report);
      },
      refresh: () => files.refresh(),
      dispose: () => files.dispose()
    },
    openSource: async path => (await files.open(root() + path)).model,
    createWorkflow: async (title, textOf) => {
      const { contents } = manager.services;
      const folder = root().replace(/\/$/, '');
      const file = await createWorkflow(contents, folder, title);
      const path = file.slice(root().length);
      await contents.save(file, {
        type: 'file',
        format: 'text',
        content: textOf(path)
      });
      return path;
    },
    code: {
      createEditor: async (path, host) => {
        const file = await open(path);
        const editor = createEditor(file.model, host);
        return { editor, sharedModel: file.model.sharedModel };
      },
      save: path => {
        const write = async (): Promise<void> => {
          const file = await open(path);
          if (file.model.dirty) {
            await files.save(file);
            model.runs.onSaved();
          }
        };
        const saving = write().catch(report);
        model.document.waitFor(saving);
        return saving;
      }
    },
    renderers,
    themes: options.themes,
    openFile: (path, line) => {
      if (line === undefined) {
        manager.openOrReveal(root() + path);
      } else {
        openAtLine(manager, root() + path, line).catch(report);
      }
    },
    preferences,
    showData: (path, track) => {
      // Without the data view, its commands are missing too.
      const command = track ? 'mlws:track-data' : 'mlws:show-data';
      void commands.execute(command, { path: root() + path }).catch(report);
    },
    uploadFiles: async uploads => {
      const isProgram = ({ name }: File): boolean => runnerOf(name) !== null;
      const groups: [string, File[]][] = [
        [DATA_FOLDER, uploads.filter(one => !isProgram(one))],
        ['', uploads.filter(isProgram)]
      ];
      const paths: string[] = [];
      try {
        for (const [folder, group] of groups) {
          const path = PathExt.join(root(), folder);
          paths.push(...(await uploadFiles(manager, group, path)));
        }
      } catch (error) {
        report(error);
      }
      return paths.flatMap(path => fromRoot(path) ?? []);
    },
    openAsText: () => void manager.openOrReveal(context.path, TEXT_EDITOR),
    fromRoot,
    chooseFile,
    openTable: path => {
      startWithTable(model, path).catch(report);
    },
    openTemplates: () => void fillFromTemplate(model, chooseFile),
    openFailed: (run, node) => {
      model.server.service
        ?.debug(run, node)
        .then(({ path }) => manager.openOrReveal(root() + path))
        .catch(report);
    },
    panes,
    past: null,
    showRun: run => {
      const { service } = model.server;
      if (!service) {
        return;
      }
      const { client } = options;
      const time = fullTime(run.started ?? run.created);
      const text = service.reader.text(run.id);
      const compare = (): void => {
        views
          .show(`run graph ${run.id}`, async () => {
            const { compareWithRun } =
              await import('./compare/compareVersions');
            const now = { text: model.document.text, path: service.path };
            const past = { text: await text, time };
            return {
              view: compareWithRun(past, now),
              icon: workflowIcon
            };
          })
          .catch(report);
      };
      views
        .show(`past run ${run.id}`, async () => {
          const { PastRunWidget } = await import('./pastRun');
          const leave = (): void => {
            view.parent?.close();
            manager.openOrReveal(context.path);
          };
          const view = new PastRunWidget({
            client,
            service,
            run,
            text: await text,
            now: model.document.text,
            context: {
              ...actions,
              model,
              // A second run replaces this run.
              showRun: other => {
                view.parent?.close();
                actions.showRun(other);
              }
            },
            createEditor,
            panes: pastPanes,
            compare,
            leave,
            showReport: past =>
              showReport(past, run.id, trans.__('Run of %1', time)),
            restore: () => {
              leave();
              void text.then(source => model.document.replace(source), report);
            }
          });
          // Nodes are placed and fitted once, in the sizes that they have with their results.
          await view.ready.catch(report);
          view.title.label = trans.__('Run of %1', time);
          return { view, icon: workflowIcon };
        })
        .catch(report);
    },
    showReport: () =>
      showReport(
        model,
        context.path,
        model.document.workflow.title || context.path
      ),
    createNotebookView: async notebook => {
      if (!notebookFactory) {
        throw new Error(trans.__('This JupyterLab has no notebooks.'));
      }
      const { createStaticNotebook } = await import('./results/notebookWidget');
      return createStaticNotebook(notebook, renderers, notebookFactory);
    }
  };
  return actions;
}

/** Opens a file in the text editor, with the cursor in a line, which counts from 1. */
async function openAtLine(
  manager: IDocumentManager,
  path: string,
  line: number
): Promise<void> {
  const widget = manager.openOrReveal(path, TEXT_EDITOR);
  await widget?.revealed;
  const { editor } = (widget?.content ?? {}) as {
    editor?: CodeEditor.IEditor;
  };
  if (editor) {
    const position = { line: line - 1, column: 0 };
    editor.setCursorPosition(position);
    editor.revealPosition(position);
    editor.focus();
  }
}

/** Finds the project around the file; tries again when a project appears. */
async function connectToServer(
  context: Context,
  model: CanvasModel,
  options: IEditorOptions
): Promise<void> {
  const { client, preferences, report } = options;
  try {
    const { project, path } = await client.place(localPath(context.path));
    if (model.isDisposed || model.server.service) {
      return;
    }
    const own = client.projects.find(
      one => one.id === project || (project === undefined && one.default)
    );
    const isShared = !own || client.project?.id === own.id;
    const events = client.stream(
      '/workflows/status',
      isShared ? {} : { project: own.id }
    );
    const service = new WorkflowService(
      client,
      path,
      project,
      () => preferences.runOptions
    );
    await model.attach(service, events);
  } catch (error) {
    report(error);
    model.catalog.setMissing();
    const again = (): void => {
      client.projectChanged.disconnect(again);
      if (!model.isDisposed) {
        void connectToServer(context, model, options);
      }
    };
    client.projectChanged.connect(again);
  }
}

/** Without the name of the drive, such as "RTC:". */
function localPath(path: string): string {
  return path.slice(path.indexOf(':') + 1).replace(/^\//, '');
}
