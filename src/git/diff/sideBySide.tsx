import { defaultKeymap } from '@codemirror/commands';
import { indentUnit } from '@codemirror/language';
import { goToNextChunk, goToPreviousChunk, MergeView } from '@codemirror/merge';
import { EditorState, type Extension, StateEffect } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import type { YFile } from '@jupyter/ydoc';
import { jupyterTheme, ybinding } from '@jupyterlab/codemirror';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { useContext, useEffect, useRef } from 'react';

import {
  DIFF_LIMITS,
  DiffLanguage,
  loadLanguage
} from '../../ui/diff/diffText';
import { trans } from '../../ui/locale';
import type { Side } from './besideLines';

/** Spaces of JupyterLab's editors. */
const INDENT = '    ';

interface IProps {
  old: string;
  now: string;
  names: readonly [string, string];
  /** The document of the right side, if that can be edited. */
  file: DocumentRegistry.Context | null;
  /** Called with the first and the last selected line of a side; null if none is selected. */
  onSelect: (side: Side, lines: readonly [number, number] | null) => void;
}

/** Binds an editor to a document, which other editors may show as well. */
function bindTo(file: DocumentRegistry.Context): Extension {
  const shared = file.model.sharedModel as YFile;
  const run = (change: () => void) => () => {
    change();
    return true;
  };
  return [
    ybinding({ ytext: shared.ysource, undoManager: shared.undoManager }),
    keymap.of([
      { key: 'Mod-z', run: run(() => shared.undo()), preventDefault: true },
      { key: 'Mod-y', run: run(() => shared.redo()), preventDefault: true },
      { key: 'Mod-Shift-z', run: run(() => shared.redo()) }
    ]),
    indentUnit.of(INDENT)
  ];
}

function selectionOf({ doc, selection }: EditorState): [number, number] | null {
  const { from, to, empty } = selection.main;
  const last = doc.lineAt(to);
  return empty
    ? null
    : [
        doc.lineAt(from).number,
        last.from === to ? last.number - 1 : last.number
      ];
}

/** Replaces a text that is not edited here. */
function replace(view: EditorView, text: string): void {
  const changes = { from: 0, to: view.state.doc.length, insert: text };
  if (view.state.doc.toString() !== text) {
    view.dispatch({ changes });
  }
}

/** Two versions of a text beside each other; the right one may be edited. */
export function SideBySide(props: IProps): JSX.Element {
  const { old, now, names, file } = props;
  const { path, languages } = useContext(DiffLanguage);
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<MergeView | null>(null);
  const onSelect = useRef(props.onSelect);
  onSelect.current = props.onSelect;
  useEffect(() => {
    const common = (label: string, side: Side): Extension => [
      lineNumbers(),
      jupyterTheme,
      EditorView.contentAttributes.of({ 'aria-label': label }),
      EditorState.phrases.of({
        '$ unchanged lines': trans.__('%1 unchanged lines', '$')
      }),
      keymap.of([
        { key: 'Alt-F5', run: goToNextChunk },
        { key: 'Shift-Alt-F5', run: goToPreviousChunk },
        ...defaultKeymap
      ]),
      EditorView.updateListener.of(({ selectionSet, state }) => {
        if (selectionSet) {
          onSelect.current(side, selectionOf(state));
        }
      })
    ];
    const isEditable = file?.contentsModel?.writable ?? false;
    const merge = new MergeView({
      parent: host.current!,
      a: {
        doc: old,
        extensions: [common(names[0], 'from'), EditorState.readOnly.of(true)]
      },
      b: {
        doc: file ? file.model.toString() : now,
        extensions: [
          common(names[1], 'to'),
          file ? bindTo(file) : [],
          EditorState.readOnly.of(!isEditable)
        ]
      },
      collapseUnchanged: { margin: 3, minSize: 6 },
      diffConfig: DIFF_LIMITS
    });
    view.current = merge;
    void loadLanguage({ path, languages }).then(language => {
      if (language && view.current === merge) {
        for (const editor of [merge.a, merge.b]) {
          editor.dispatch({ effects: StateEffect.appendConfig.of(language) });
        }
      }
    });
    return () => {
      view.current = null;
      merge.destroy();
    };
    // The texts are replaced in place.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [file, path, languages]);
  useEffect(() => {
    replace(view.current!.a, old);
    if (!file) {
      replace(view.current!.b, now);
    }
  }, [old, now, file]);
  return (
    <div ref={host} className="jp-mlws-SideBySide" data-mlws-path={path} />
  );
}
