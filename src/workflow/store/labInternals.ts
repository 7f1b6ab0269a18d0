import type { DocumentChange, YDocument } from '@jupyter/ydoc';
import type { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { Title, Widget } from '@lumino/widgets';

/**
 * What the lab's documents do and their interfaces leave out.
 *
 * `labInternals.spec.ts` fails where a release of the lab changes it.
 */

/** A shared document's own history: one item for each step, the newest last. */
type SharedUndoManager = Pick<
  YDocument<DocumentChange>['undoManager'],
  'undoStack' | 'redoStack' | 'stopCapturing' | 'on' | 'off'
>;

/** Every shared document of the lab is a `YDocument`; `ISharedDocument` has no `undoManager`. */
export function undoManagerOf(shared: object): SharedUndoManager {
  return (shared as YDocument<DocumentChange>).undoManager;
}

/**
 * Lets a document's tab have another label than the file's name.
 *
 * A `DocumentWidget` renames its file after every label that its title gets.
 */
export function detachLabel(widget: DocumentWidget): void {
  const { _onTitleChanged } = widget as unknown as {
    _onTitleChanged: (sender: Title<Widget>) => void;
  };
  widget.title.changed.disconnect(_onTitleChanged, widget);
}

/**
 * Reads a document's file, and lets `take` put the text into the document.
 *
 * `IContext.revert` gives the text to the model's `fromString`, which would replace all of the
 * document as a step to be undone. Nothing else sets what the context knows of the file.
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
