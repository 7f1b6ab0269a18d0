import { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Drag } from '@lumino/dragdrop';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';

import { setHelpPage } from '../ui/helpLink';
import type { IViewMemory } from './canvas/flowLooks';
import type { IFlowHandle } from './canvas/handle';
import type { Editor } from './editor';
import type { CanvasModel } from './store/model';

let count = 0;

/** Files that are dragged from the file browser. */
const FILES_MIME = 'application/x-jupyter-icontents';

/** The drawing with its panels, as a Lumino widget. */
export class CanvasWidget extends ReactWidget {
  constructor() {
    super();
    this.addClass('jp-mlws-Workflow');
    this._flowId = `mlws-flow-${(count += 1)}`;
  }

  /** Null until it has loaded. */
  editor: Editor | null = null;

  get flow(): IFlowHandle | null {
    return this._flow;
  }

  /** Are the runs shown in the drawer? */
  get hasHistory(): boolean {
    const panes = this.editor?.lab.panes;
    return panes?.tab === 'runs' && panes.pane('drawer').isOpen;
  }

  set hasHistory(isOpen: boolean) {
    const panes = this.editor?.lab.panes;
    if (isOpen) {
      panes?.showTab('runs');
    } else {
      panes?.setOpen('drawer', false);
    }
  }

  get hasTree(): boolean {
    return this._hasTree;
  }

  set hasTree(isShown: boolean) {
    this._hasTree = isShown;
    this.update();
  }

  /** The text is there: until then there is nothing to draw. */
  setView(view: IViewMemory): void {
    this._view = view;
    this.update();
  }

  render(): JSX.Element | null {
    if (!this.editor || !this._view) {
      return null;
    }
    return this.editor.render({
      id: this._flowId,
      view: this._view,
      onReady: handle => {
        this._flow = handle;
        this._focus();
      },
      hasTree: this._hasTree
    });
  }

  handleEvent(event: Event): void {
    const drag = event as Drag.Event;
    if (!this.editor || !drag.mimeData.hasData(FILES_MIME)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.type === 'lm-dragover') {
      drag.dropAction = drag.proposedAction;
    } else if (event.type === 'lm-drop') {
      drag.dropAction = drag.proposedAction;
      const paths: string[] = drag.mimeData.getData(FILES_MIME);
      const { fromRoot } = this.editor.lab;
      const inside = paths.flatMap(path => fromRoot(path) ?? []);
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
  private _hasTree = false;
  private _view: IViewMemory | null = null;
  private _wantsFocus = false;
}

const DRAG_EVENTS = ['lm-dragenter', 'lm-dragover', 'lm-drop'];

/** A `dvc.yaml` on the canvas. */
export class WorkflowWidget extends DocumentWidget<
  CanvasWidget,
  DocumentRegistry.ICodeModel
> {
  constructor(
    options: DocumentWidget.IOptions<CanvasWidget, DocumentRegistry.ICodeModel>
  ) {
    super(options);
    setHelpPage(this, 'reference-canvas');
  }

  /** Null until it has loaded. */
  get editor(): Editor | null {
    return this.content.editor;
  }

  setEditor(editor: Editor): void {
    this.content.editor = editor;
    editor.labelTab(this);
    this.loaded.emit(editor);
  }

  readonly loaded = new Signal<this, Editor>(this);

  /** Calls a function with the editor, now or when it has loaded. */
  whenLoaded(act: (editor: Editor) => void): void {
    if (this.editor) {
      act(this.editor);
    } else {
      this.loaded.connect((_, editor) => act(editor));
    }
  }

  get model(): CanvasModel | null {
    return this.editor?.model ?? null;
  }

  dispose(): void {
    if (!this.isDisposed) {
      const { editor } = this;
      super.dispose();
      editor?.dispose();
    }
  }
}
