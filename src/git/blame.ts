import {
  RangeSet,
  RangeSetBuilder,
  StateEffect,
  StateField
} from '@codemirror/state';
import { type EditorView, gutter, GutterMarker } from '@codemirror/view';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { DocumentWidget } from '@jupyterlab/docregistry';
import type { Widget } from '@lumino/widgets';

import type { MLWSClient } from '../api/client';
import type { IBlameLines } from '../api/models';
import { describeArgs } from '../lab/describeArgs';
import { type OpenDocuments, projectPath } from '../lab/documents';
import { notifyOnError } from '../lab/notify';
import { relativeTime } from '../ui/format';
import { trans } from '../ui/locale';

type Markers = RangeSet<GutterMarker>;

const setMarkers = StateEffect.define<Markers>();

/** Markers of the lines; they move along with edits until the file is saved. */
const markers = StateField.define<Markers>({
  create: () => RangeSet.empty,
  update: (value, transaction) =>
    transaction.effects.reduce(
      (now, effect) => (effect.is(setMarkers) ? effect.value : now),
      value.map(transaction.changes)
    )
});

/** The commit that changed a line last; further lines of the same part are blank. */
class BlameMarker extends GutterMarker {
  constructor(
    private _lines: IBlameLines,
    private _isFirst: boolean,
    private _open: (lines: IBlameLines) => void
  ) {
    super();
  }

  eq(other: BlameMarker): boolean {
    return (
      this._lines.commit === other._lines.commit &&
      this._isFirst === other._isFirst
    );
  }

  toDOM(): HTMLElement {
    const { commit, author, timestamp, subject } = this._lines;
    const element = document.createElement('button');
    element.type = 'button';
    element.className = 'jp-mlws-BlameLine';
    element.tabIndex = -1;
    if (commit === null) {
      element.disabled = true;
      element.textContent = this._isFirst ? trans.__('Not committed') : '';
      return element;
    }
    element.textContent = this._isFirst
      ? `${author} · ${relativeTime(timestamp)}`
      : '';
    element.title = `${subject}\n${author}, ${relativeTime(timestamp)}\n${commit.slice(0, 8)}`;
    element.setAttribute('aria-label', element.title);
    element.onclick = () => this._open(this._lines);
    return element;
  }
}

const blameGutter = [
  markers,
  gutter({
    class: 'jp-mlws-Blame',
    markers: view => view.state.field(markers)
  })
];

/** Shows who changed each line last, beside the lines of text editors. */
class Blame {
  constructor(
    private _app: JupyterFrontEnd,
    private _client: MLWSClient,
    private _documents: OpenDocuments
  ) {}

  /** Shows or hides it: in a file of the project, or in the editor that is current. */
  async toggle(path: string | null): Promise<void> {
    const { project } = this._client;
    const widget =
      path !== null && project
        ? this._documents.open(project, path, 'Editor')
        : this._app.shell.currentWidget;
    const found = await editorOf(widget ?? null);
    const file =
      found && project && projectPath(project, found.widget.context.path);
    if (!found || !file) {
      Notification.info(
        trans.__(
          'Open a text file of the project to see who changed its lines.'
        )
      );
      return;
    }
    const view = found.editor.editor;
    if (this._shown.has(view) && path === null) {
      this._shown.delete(view);
      view.dispatch({ effects: setMarkers.of(RangeSet.empty) });
      view.dom.classList.remove('jp-mlws-mod-blame');
      return;
    }
    if (!view.state.field(markers, false)) {
      found.editor.injectExtension(blameGutter);
      found.widget.context.saveState.connect((_, state) => {
        if (state.startsWith('completed') && this._shown.has(view)) {
          void this._load(view, file);
        }
      });
    }
    this._shown.add(view);
    view.dom.classList.add('jp-mlws-mod-blame');
    await this._load(view, file);
  }

  private async _load(view: EditorView, path: string): Promise<void> {
    const blame = await notifyOnError(() =>
      this._client.get('/git/blame', { path })
    );
    if (blame) {
      const open = ({ previous, commit }: IBlameLines) =>
        void this._app.commands.execute('mlws:open-diff', {
          path,
          from: previous,
          to: commit
        });
      view.dispatch({
        effects: setMarkers.of(toMarkers(view, blame.lines, open))
      });
    }
  }

  private _shown = new WeakSet<EditorView>();
}

function toMarkers(
  view: EditorView,
  parts: readonly IBlameLines[],
  open: (lines: IBlameLines) => void
): Markers {
  const builder = new RangeSetBuilder<GutterMarker>();
  const { doc } = view.state;
  for (const part of parts) {
    for (let number = 0; number < part.count; number++) {
      const line = part.start + number;
      // The editor may have fewer lines than the file on disk.
      if (line <= doc.lines) {
        const { from } = doc.line(line);
        builder.add(from, from, new BlameMarker(part, number === 0, open));
      }
    }
  }
  return builder.finish();
}

/** The text editor of a document, once it is there; null for other widgets. */
async function editorOf(
  widget: Widget | null
): Promise<{ widget: DocumentWidget; editor: CodeMirrorEditor } | null> {
  const document = widget as DocumentWidget<Widget & { editor?: unknown }>;
  if (!document?.context) {
    return null;
  }
  await document.context.ready;
  await document.revealed;
  const { editor } = document.content;
  return editor instanceof CodeMirrorEditor
    ? { widget: document, editor }
    : null;
}

/** Adds the command that shows who changed the lines of a file. */
export function addBlameCommand(
  app: JupyterFrontEnd,
  client: MLWSClient,
  documents: OpenDocuments
): string {
  const id = 'mlws:blame';
  const blame = new Blame(app, client, documents);
  app.commands.addCommand(id, {
    describedBy: describeArgs({
      path: trans.__(
        'Path of a file in the project; the current editor if left out'
      )
    }),
    label: trans.__('Show Blame'),
    caption: trans.__('Show who changed each line last, or hide it'),
    execute: ({ path }) => blame.toggle(typeof path === 'string' ? path : null)
  });
  return id;
}
