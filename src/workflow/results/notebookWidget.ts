import type { INotebookContent } from '@jupyterlab/nbformat';
import {
  NotebookModel,
  StaticNotebook,
  type Notebook
} from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Widget } from '@lumino/widgets';

/** Creates a read-only viewer of a notebook. */
export function createStaticNotebook(
  content: INotebookContent,
  rendermime: IRenderMimeRegistry,
  contentFactory: Notebook.IContentFactory
): Widget {
  const model = new NotebookModel();
  model.fromJSON(content);
  const view = new StaticNotebook({
    rendermime,
    contentFactory,
    mimeTypeService: {
      getMimeTypeByLanguage: ({ name }) =>
        name === 'python' ? 'text/x-ipython' : `text/x-${name}`,
      getMimeTypeByFilePath: () => 'text/plain'
    },
    notebookConfig: {
      ...StaticNotebook.defaultNotebookConfig,
      windowingMode: 'none'
    }
  });
  view.model = model;
  view.widgets.forEach(cell => {
    cell.readOnly = true;
  });
  view.disposed.connect(() => model.dispose());
  return view;
}
