import { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Drag } from '@lumino/dragdrop';
import type { Message } from '@lumino/messaging';

import type { IViewportMemory } from './canvas/flow';
import type { IFlowHandle } from './canvas/handle';
import { CanvasView } from './canvas/view';
import { DiskFollower } from './store/disk';
import {
  CanvasContext,
  type ICanvasContext,
  type ILabActions,
  type IParamsDocuments
} from './store/hooks';
import type { CanvasModel } from './store/model';

let count = 0;

/** What the widget has the lab do. */
export interface IWidgetActions extends ILabActions {
  contents: Contents.IManager;
  params: IParamsDocuments & { refresh(): Promise<void>; dispose(): void };
  /** The path of a lab's file from the project's root; null (and reported) where it is outside. */
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
    readonly lab: IWidgetActions
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
    const context: ICanvasContext = { ...lab, model, trans, language };
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

/** A `dvc.yaml` on the canvas, kept in step with its file. */
export class WorkflowWidget extends DocumentWidget<
  CanvasWidget,
  DocumentRegistry.ICodeModel
> {
  constructor(
    options: DocumentWidget.IOptions<CanvasWidget, DocumentRegistry.ICodeModel>
  ) {
    super(options);
    const { model } = this.content;
    // First, what is typed is written: it is what the follower takes for saved.
    this.context.saveState.connect(this._onSaveState, this);
    const { contents } = this.content.lab;
    this.disk = new DiskFollower(this.context, contents);
    this.disk.conflictChanged.connect((_, isThere) => {
      model.document.discard = isThere ? () => this.disk.takeFile() : null;
    });
    this.context.fileChanged.connect(model.runs.onSaved, model.runs);
  }

  /** Keeps the document in step with its file. */
  readonly disk: DiskFollower;

  get model(): CanvasModel {
    return this.content.model;
  }

  /** Files may have been written by others. */
  async refreshFiles(): Promise<void> {
    await Promise.all([
      this.disk.refresh(),
      this.content.lab.params.refresh(),
      this.model.catalog.refresh()
    ]);
    await this.model.drawing.validate();
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
