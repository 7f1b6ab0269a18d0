import type { IDocumentManager } from '@jupyterlab/docmanager';
import {
  ABCWidgetFactory,
  DocumentRegistry,
  DocumentWidget
} from '@jupyterlab/docregistry';
import { FileDialog } from '@jupyterlab/filebrowser';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Contents } from '@jupyterlab/services';
import type { IStateDB } from '@jupyterlab/statedb';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import {
  redoIcon,
  ReactWidget,
  runIcon,
  saveIcon,
  stopIcon,
  Toolbar,
  ToolbarButton,
  undoIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import type { Drag } from '@lumino/dragdrop';
import type { Message } from '@lumino/messaging';
import { Menu } from '@lumino/widgets';
import type { Viewport } from '@xyflow/react';

import type { MLWSClient } from '../api/client';
import { duration } from '../ui/format';
import type { IWorkflowEvent } from '../api/models';
import { useSignal } from '../ui/useSignal';
import type { IFlowHandle, IViewportMemory } from './canvas/flow';
import {
  CanvasContext,
  useElapsed,
  type ICanvasContext,
  type IParamsDocuments
} from './store/hooks';
import {
  autoLayoutIcon,
  fitIcon,
  historyIcon,
  moreIcon,
  treeIcon
} from './icons';
import { DiskFollower } from './store/disk';
import { CanvasModel } from './store/model';
import { ParamsFiles } from './store/params';
import { FINAL } from './store/run';
import { WorkflowService } from './store/service';
import { CanvasView } from './canvas/view';
import { runStatusLabel } from '../ui/runStatus';

export type Context = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

/** What tells people that a request failed. */
export type Report = (error: unknown) => void;

let count = 0;

/** What the drawing asks of the lab. */
export interface ILabActions {
  openAsText: () => void;
  chooseFile: (pattern: RegExp) => Promise<string | null>;
  openFailed: (node: string) => void;
  openFile: (path: string) => void;
  showData: (path: string, track: boolean) => void;
  contents: Contents.IManager;
  renderers: IRenderMimeRegistry;
  params: IParamsDocuments & IDisposable & { look(): Promise<void> };
  /** The path of a lab's file from the project's root; null (and told) where it is outside. */
  fromRoot: (path: string) => string | null;
}

/** Files that are dragged from the file browser. */
const FILES_MIME = 'application/x-jupyter-icontents';

/** The drawing with its panels, as a Lumino widget. */
export class CanvasWidget extends ReactWidget {
  constructor(
    readonly model: CanvasModel,
    private _trans: TranslationBundle,
    private _language: string,
    readonly lab: ILabActions
  ) {
    super();
    this.addClass('jp-mlws-Workflow');
    this._flowId = `mlws-flow-${(count += 1)}`;
  }

  get flow(): IFlowHandle | null {
    return this._flow;
  }

  get hasHistory(): boolean {
    return this._hasHistory;
  }

  set hasHistory(isOpen: boolean) {
    this._hasHistory = isOpen;
    this.update();
  }

  get hasTree(): boolean {
    return this._hasTree;
  }

  set hasTree(isShown: boolean) {
    this._hasTree = isShown;
    this.update();
  }

  /** The text is there: until then there is nothing to draw. */
  setReady(viewport: IViewportMemory): void {
    this._viewport = viewport;
    this.update();
  }

  render(): JSX.Element | null {
    if (!this._viewport) {
      return null;
    }
    const { model, lab, _trans: trans, _language: language } = this;
    const { openAsText, chooseFile, openFailed, params, renderers } = lab;
    const { openFile, showData } = lab;
    const context: ICanvasContext = {
      model,
      trans,
      language,
      openAsText,
      chooseFile,
      openFailed,
      params,
      openFile,
      showData,
      renderers
    };
    return (
      <CanvasContext.Provider value={context}>
        <CanvasView
          id={this._flowId}
          viewport={this._viewport}
          onReady={handle => {
            this._flow = handle;
            this._focus();
          }}
          hasTree={this._hasTree}
          hasHistory={this._hasHistory}
          onHistory={isOpen => {
            this.hasHistory = isOpen;
          }}
        />
      </CanvasContext.Provider>
    );
  }

  handleEvent(event: Event): void {
    const drag = event as Drag.Event;
    if (!drag.mimeData.hasData(FILES_MIME)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.type === 'lm-dragover') {
      drag.dropAction = drag.proposedAction;
    } else if (event.type === 'lm-drop') {
      drag.dropAction = drag.proposedAction;
      const paths: string[] = drag.mimeData.getData(FILES_MIME);
      const inside = paths.flatMap(path => this.lab.fromRoot(path) ?? []);
      if (inside.length > 0) {
        this._flow?.dropFiles(inside, drag.clientX, drag.clientY);
      }
    }
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    DRAG_EVENTS.forEach(name => this.node.addEventListener(name, this));
  }

  protected onBeforeDetach(message: Message): void {
    DRAG_EVENTS.forEach(name => this.node.removeEventListener(name, this));
    super.onBeforeDetach(message);
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.focus();
  }

  /** Gives the drawing the focus, once it is there. */
  focus(): void {
    this._wantsFocus = true;
    this._focus();
  }

  private _focus(): void {
    const drawing = this.node.querySelector<HTMLElement>('.jp-mlws-Canvas');
    if (drawing && this._wantsFocus) {
      this._wantsFocus = false;
      drawing.focus({ preventScroll: true });
    }
  }

  private _flowId: string;
  private _flow: IFlowHandle | null = null;
  private _hasHistory = false;
  private _hasTree = false;
  private _viewport: IViewportMemory | null = null;
  private _wantsFocus = false;
}

const DRAG_EVENTS = ['lm-dragenter', 'lm-dragover', 'lm-drop'];

/** A `dvc.yaml` on the canvas, with its toolbar. */
export class WorkflowWidget extends DocumentWidget<
  CanvasWidget,
  DocumentRegistry.ICodeModel
> {
  constructor(
    options: DocumentWidget.IOptions<CanvasWidget, DocumentRegistry.ICodeModel>,
    trans: TranslationBundle,
    commands: CommandRegistry
  ) {
    super(options);
    const { model } = this.content;
    fillToolbar(this.toolbar, this, trans, commands);
    // First, what is typed is written: it is what the follower takes for saved.
    this.context.saveState.connect(this._onSaveState, this);
    const { contents } = this.content.lab;
    this.disk = new DiskFollower(this.context, contents);
    this.disk.conflictChanged.connect((_, isThere) => {
      model.document.discard = isThere ? () => this.disk.takeFile() : null;
    });
    this.context.fileChanged.connect(model.runs.onSaved, model);
  }

  /** Keeps the document in step with its file. */
  readonly disk: DiskFollower;

  get model(): CanvasModel {
    return this.content.model;
  }

  /** Files may have been written by others. */
  async lookAtFiles(): Promise<void> {
    await Promise.all([
      this.disk.look(),
      this.content.lab.params.look(),
      this.model.catalog.refresh()
    ]);
  }

  dispose(): void {
    if (!this.isDisposed) {
      const { model } = this.content;
      this.disk.dispose();
      this.content.lab.params.dispose();
      super.dispose();
      model.dispose();
    }
  }

  private _onSaveState(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state === 'started') {
      this.model.document.flush();
    } else if (state === 'completed') {
      this.model.runs.onSaved();
    }
  }
}

function fillToolbar(
  toolbar: Toolbar,
  widget: WorkflowWidget,
  trans: TranslationBundle,
  commands: CommandRegistry
): void {
  const { model } = widget;
  const button = (
    name: string,
    icon: ToolbarButton['props']['icon'],
    tooltip: string,
    onClick: () => void
  ): ToolbarButton => {
    const item = new ToolbarButton({
      icon,
      tooltip,
      onClick,
      className: `jp-mlws-${name}`
    });
    item.addClass(`jp-mlws-Toolbar-${name}`);
    toolbar.addItem(name, item);
    return item;
  };
  button('save', saveIcon, trans.__('Save'), () => void widget.context.save());
  const run = button(
    'run',
    runIcon,
    trans.__('Run Workflow'),
    () => void model.runs.start()
  );
  const stop = button(
    'stop',
    stopIcon,
    trans.__('Stop Run'),
    () => void model.runs.cancel()
  );
  const undo = button('undo', undoIcon, trans.__('Undo'), () =>
    model.document.undo()
  );
  const redo = button('redo', redoIcon, trans.__('Redo'), () =>
    model.document.redo()
  );
  button('auto-layout', autoLayoutIcon, trans.__('Auto Layout'), () =>
    model.drawing.arrange()
  );
  button('fit', fitIcon, trans.__('Fit to View'), () =>
    widget.content.flow?.fit()
  );
  button('tree', treeIcon, trans.__('Tree View'), () => {
    widget.content.hasTree = !widget.content.hasTree;
  });
  button('history', historyIcon, trans.__('Run History'), () => {
    widget.content.hasHistory = !widget.content.hasHistory;
  });
  const more = button('more', moreIcon, trans.__('More'), () => {
    const { left, bottom } = more.node.getBoundingClientRect();
    const menu = new Menu({ commands });
    MORE.forEach(command =>
      menu.addItem(command === '' ? { type: 'separator' } : { command })
    );
    menu.aboutToClose.connect(() => setTimeout(() => menu.dispose()));
    menu.open(left, bottom);
  });
  toolbar.addItem('spacer', Toolbar.createSpacerItem());
  const state = ReactWidget.create(<StateText model={model} trans={trans} />);
  state.addClass('jp-mlws-StateText');
  toolbar.addItem('state', state);

  const update = (): void => {
    run.enabled = model.runs.canRun && model.drawing.graph.nodes.size > 0;
    stop.enabled = model.runs.isRunning;
    undo.enabled = model.document.history.canUndo;
    redo.enabled = model.document.history.canRedo;
  };
  update();
  model.drawing.changed.connect(update);
  model.document.history.changed.connect(update);
  model.runs.shown.changed.connect(update);
  model.runs.changed.connect(update);
}

/** What the button "More" offers; "" is a line between. */
const MORE = [
  'workflow:add-node',
  'workflow:add-note',
  'workflow:find',
  '',
  'workflow:copy-command',
  'workflow:export-script',
  'workflow:export-svg',
  'workflow:export-png',
  '',
  'workflow:compare',
  'workflow:import'
];

/** "Running 3/6", "Completed in 4.2 s". */
function StateText(props: {
  model: CanvasModel;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { model, trans } = props;
  useSignal(model.runs.shown.changed);
  const { run, progress } = model.runs.shown;
  const isOver = run !== null && FINAL.has(run.status);
  const elapsed = useElapsed(run?.started ?? null, run !== null && !isOver);
  if (!run) {
    return null;
  }
  const word = runStatusLabel(run.status, trans);
  const text = !isOver
    ? `${word} ${progress.done}/${progress.total}${run.started ? ` · ${duration(elapsed)}` : ''}`
    : run.duration !== null
      ? trans.__('%1 in %2', word, duration(run.duration))
      : word;
  return (
    <span
      className="jp-mlws-State"
      role="status"
      data-mlws-run={run.id}
      data-mlws-state={run.status}
      title={run.error?.message}
    >
      {text}
    </span>
  );
}

export interface IFactoryOptions extends DocumentRegistry.IWidgetFactoryOptions<WorkflowWidget> {
  registry: DocumentRegistry;
  client: MLWSClient;
  manager: IDocumentManager;
  translator: ITranslator;
  renderers: IRenderMimeRegistry;
  commands: CommandRegistry;
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
    const { client, translator, commands, report, renderers } = this._options;
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
    const lab = { ...labActions(context, model, this._options), renderers };
    const content = new CanvasWidget(model, trans, client.language, lab);
    const widget: WorkflowWidget = new WorkflowWidget(
      { content, context, reveal: context.ready },
      trans,
      commands
    );
    void context.ready.then(async () => {
      content.setReady(await viewportMemory(widget, this._options.state));
      return connectToServer(context, model, client, report);
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
  { manager, translator, commands, report }: IFactoryOptions
): Omit<ILabActions, 'renderers'> {
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
      look: () => files.look(),
      dispose: () => files.dispose(),
      get isDisposed() {
        return files.isDisposed;
      }
    },
    openFile: path => void manager.openOrReveal(root() + path),
    showData: (path, track) => {
      // Where the lab's data view is not there, neither are its commands.
      const command = track ? 'mlws:track-data' : 'mlws:show-data';
      void commands.execute(command, { path: root() + path }).catch(report);
    },
    contents: manager.services.contents,
    openAsText: () => void manager.openOrReveal(context.path, EDITOR),
    fromRoot,
    chooseFile: async pattern => {
      const chosen = await FileDialog.getOpenFiles({
        manager,
        translator,
        title: trans.__('Select File'),
        filter: item =>
          item.type === 'directory' || pattern.test(item.name)
            ? { score: 1 }
            : null
      });
      const [file] = chosen.value ?? [];
      return chosen.button.accept && file && file.type !== 'directory'
        ? fromRoot(file.path)
        : null;
    },
    openFailed: node => {
      const run = model.runs.shown.run?.id;
      if (run && model.server.service) {
        model.server.service
          .debug(run, node)
          .then(({ path }) => manager.openOrReveal(root() + path))
          .catch(report);
      }
    }
  };
}

/** Finds the project around the file; tries again when a project appears. */
async function connectToServer(
  context: Context,
  model: CanvasModel,
  client: MLWSClient,
  report: Report
): Promise<void> {
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
    await model.attach(new WorkflowService(client, path, project), events);
  } catch (error) {
    report(error);
    model.catalog.setMissing();
    const again = (): void => {
      client.projectChanged.disconnect(again);
      if (!model.isDisposed) {
        void connectToServer(context, model, client, report);
      }
    };
    client.projectChanged.connect(again);
  }
}

/** Without the name of the drive, such as "RTC:". */
function localPath(path: string): string {
  return path.slice(path.indexOf(':') + 1).replace(/^\//, '');
}
