import { ABCWidgetFactory, DocumentRegistry } from '@jupyterlab/docregistry';
import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';

import type { IKeptView, IViewMemory } from './canvas/flowLooks';
import type { IEditorOptions } from './editor';
import { CanvasWidget, WorkflowWidget } from './widget';

type Context = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;

interface IFactoryOptions
  extends
    DocumentRegistry.IWidgetFactoryOptions<WorkflowWidget>,
    IEditorOptions {
  registry: DocumentRegistry;
  /** Null if no state is stored across a reload of the page. */
  state: IStateDB | null;
}

/** Opens a `dvc.yaml` as a canvas. */
export class WorkflowFactory extends ABCWidgetFactory<
  WorkflowWidget,
  DocumentRegistry.ICodeModel
> {
  constructor(private _options: IFactoryOptions) {
    super(_options);
  }

  /**
   * Content provider of the text editor: when collaboration is enabled, canvas and editor share one
   * document.
   */
  get contentProviderId(): string | undefined {
    return this._options.registry.getWidgetFactory('Editor')?.contentProviderId;
  }

  protected createNewWidget(context: Context): WorkflowWidget {
    const { report, state } = this._options;
    const content = new CanvasWidget();
    const load = async (): Promise<void> => {
      const { Editor } = await import('./editor');
      await context.ready;
      if (widget.isDisposed) {
        return;
      }
      const editor = new Editor(context, this._options);
      widget.setEditor(editor);
      await editor.restorePanes();
      if (widget.isDisposed) {
        return;
      }
      content.setView(await viewMemory(widget, state));
      editor.connect().catch(report);
    };
    const loaded = Promise.resolve().then(load);
    const widget = new WorkflowWidget({ content, context, reveal: loaded });
    return widget;
  }
}

/** Stores the view state of an open workflow, also across a reload of the page. */
async function viewMemory(
  widget: WorkflowWidget,
  state: IStateDB | null
): Promise<IViewMemory> {
  const { context } = widget;
  const key = (): string => `mlws-workflow-view:${context.path}`;
  let last = key();
  const initial = (await state?.fetch(last)) as IKeptView | undefined;
  widget.disposed.connect(() => void state?.remove(last));
  return {
    initial: initial ?? null,
    keep: view => {
      if (view === null || last !== key()) {
        void state?.remove(last);
        last = key();
      }
      if (view) {
        void state?.save(last, view as unknown as ReadonlyPartialJSONValue);
      }
    }
  };
}
