import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { ABCWidgetFactory, DocumentRegistry } from '@jupyterlab/docregistry';
import { FileDialog } from '@jupyterlab/filebrowser';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IStateDB } from '@jupyterlab/statedb';
import type { ITranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { Viewport } from '@xyflow/react';

import type { MLWSClient } from '../api/client';
import type { IWorkflowEvent } from '../api/models';
import type { IViewportMemory } from './canvas/flow';
import { CanvasModel } from './store/model';
import type { Preferences } from './store/preferences';
import { ParamsFiles } from './store/params';
import { WorkflowService } from './store/service';
import { CanvasWidget, WorkflowWidget, type IWidgetActions } from './widget';

type Context = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/** Reports to people that a request failed. */
export type Report = (error: unknown) => void;

interface IFactoryOptions extends DocumentRegistry.IWidgetFactoryOptions<WorkflowWidget> {
  registry: DocumentRegistry;
  client: MLWSClient;
  manager: IDocumentManager;
  translator: ITranslator;
  renderers: IRenderMimeRegistry;
  commands: CommandRegistry;
  preferences: Preferences;
  /** Null where nothing is kept over a reload of the page. */
  state: IStateDB | null;
  report: Report;
}

/** The lab's own widget factory for texts. */
const EDITOR = 'Editor';

/** Opens a `dvc.yaml` as a canvas. */
export class WorkflowFactory extends ABCWidgetFactory<
  WorkflowWidget,
  DocumentRegistry.ICodeModel
> {
  constructor(private _options: IFactoryOptions) {
    super(_options);
  }

  /**
   * What brings the text: that of the text editor.
   *
   * Where people work together on texts, they do so on the canvas; it is the very same document.
   */
  get contentProviderId(): string | undefined {
    return this._options.registry.getWidgetFactory(EDITOR)?.contentProviderId;
  }

  protected createNewWidget(context: Context): WorkflowWidget {
    const { client, translator, report } = this._options;
    const trans = translator.load('jupyter_mlws');
    const model = new CanvasModel({
      sharedModel: context.model.sharedModel,
      path: localPath(context.path),
      get isDirty() {
        return context.model.dirty;
      },
      save: () => context.save(),
      asOwn: change => widget.disk.asOwn(change)
    });
    model.server.failed.connect((_, error) => report(error));
    const lab = labActions(context, model, this._options);
    const content = new CanvasWidget(model, trans, client.language, lab);
    const widget: WorkflowWidget = new WorkflowWidget({
      content,
      context,
      reveal: context.ready
    });
    void context.ready.then(async () => {
      content.setReady(await viewportMemory(widget, this._options.state));
      return connectToServer(context, model, this._options);
    });
    return widget;
  }
}

/** Keeps the viewport of a workflow while it is open, also over a reload of the page. */
async function viewportMemory(
  widget: WorkflowWidget,
  state: IStateDB | null
): Promise<IViewportMemory> {
  const { context } = widget;
  const key = (): string => `mlws-workflow-viewport:${context.path}`;
  let last = key();
  const initial = (await state?.fetch(last)) as Viewport | undefined;
  widget.disposed.connect(() => void state?.remove(last));
  return {
    initial: initial ?? null,
    keep: ({ x, y, zoom }) => {
      if (last !== key()) {
        void state?.remove(last);
        last = key();
      }
      void state?.save(last, { x, y, zoom });
    }
  };
}

function labActions(
  context: Context,
  model: CanvasModel,
  options: IFactoryOptions
): IWidgetActions {
  const { manager, translator, commands, report, renderers } = options;
  const trans = translator.load('jupyter_mlws');
  /** The project's folder in the lab, with a slash behind it; "" for the lab's own. */
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
  const files = new ParamsFiles(manager);
  const open = async (path: string): ReturnType<ParamsFiles['open']> => {
    const file = await files.open(root() + path);
    model.document.history.follow(file.model.sharedModel, () => {
      // As an edit of it is, so is its undoing written at once.
      file
        .save()
        .then(() => model.runs.onSaved())
        .catch(report);
    });
    return file;
  };
  return {
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
    renderers,
    openFile: (path, line) => {
      if (line === undefined) {
        manager.openOrReveal(root() + path);
      } else {
        openAtLine(manager, root() + path, line).catch(report);
      }
    },
    preferences: options.preferences,
    showData: (path, track) => {
      // Where the lab's data view is not there, neither are its commands.
      const command = track ? 'mlws:track-data' : 'mlws:show-data';
      void commands.execute(command, { path: root() + path }).catch(report);
    },
    contents: manager.services.contents,
    openAsText: () => void manager.openOrReveal(context.path, EDITOR),
    fromRoot,
    chooseFile: async pattern => {
      const answer = await FileDialog.getOpenFiles({
        manager,
        translator,
        title: trans.__('Select File'),
        filter: item =>
          item.type === 'directory' || pattern.test(item.name)
            ? { score: 1 }
            : null
      });
      const [file] = answer.value ?? [];
      return answer.button.accept && file && file.type !== 'directory'
        ? fromRoot(file.path)
        : null;
    },
    openFailed: node => {
      const run = model.runs.current.run?.id;
      if (run && model.server.service) {
        model.server.service
          .debug(run, node)
          .then(({ path }) => manager.openOrReveal(root() + path))
          .catch(report);
      }
    }
  };
}

/** Opens a file in the text editor, with the cursor in a line, which counts from 1. */
async function openAtLine(
  manager: IDocumentManager,
  path: string,
  line: number
): Promise<void> {
  const widget = manager.openOrReveal(path, EDITOR);
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
  options: IFactoryOptions
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
    const events = client.stream<IWorkflowEvent>(
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
