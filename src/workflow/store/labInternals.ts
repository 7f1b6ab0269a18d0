import type { DocumentChange, YDocument } from '@jupyter/ydoc';
import type { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { Title, Widget } from '@lumino/widgets';

/**
 * Behavior of JupyterLab's documents that is not part of their interfaces.
 *
 * `labInternals.spec.ts` fails if a release of JupyterLab changes it.
 */

/** Undo manager of a shared document: an item for each step, the newest last. */
type SharedUndoManager = Pick<
  YDocument<DocumentChange>['undoManager'],
  'undoStack' | 'redoStack' | 'stopCapturing' | 'on' | 'off'
>;

/** Every shared document of JupyterLab is a `YDocument`; `ISharedDocument` has no `undoManager`. */
export function undoManagerOf(shared: object): SharedUndoManager {
  return (shared as YDocument<DocumentChange>).undoManager;
}

/**
 * Allows the label of a document's tab to differ from the file's name.
 *
 * A `DocumentWidget` renames its file after every change of its title's label.
 */
export function detachLabel(widget: DocumentWidget): void {
  const { _onTitleChanged } = widget as unknown as {
    _onTitleChanged: (sender: Title<Widget>) => void;
  };
  widget.title.changed.disconnect(_onTitleChanged, widget);
}

/**
 * Reads a document's file, and passes the text to `take`.
 *
 * `IContext.revert` calls the model's `fromString`, which would replace the whole document as a
 * step of undo. Nothing else updates the context's model of the file.
 */
export async function readFile(
  context: DocumentRegistry.IContext<DocumentRegistry.ICodeModel>,
  take: (text: string) => void
): Promise<void> {
  const model: Partial<DocumentRegistry.ICodeModel> = context.model;
  model.fromString = take;
  try {
    await context.revert();
  } finally {
    // The method of its class is there again.
    delete model.fromString;
  }
}
