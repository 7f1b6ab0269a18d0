import { unifiedMergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { Decoration, EditorView, lineNumbers } from '@codemirror/view';
import {
  jupyterTheme,
  type IEditorLanguageRegistry
} from '@jupyterlab/codemirror';
import { createContext, useContext, useEffect, useRef } from 'react';

import { Hint } from '../controls';
import { trans } from '../locale';
import type { IDiffLine } from './unified';

/** Highlights the texts of a diff by the language of its file. */
export interface IDiffLanguage {
  path: string;
  languages: IEditorLanguageRegistry | null;
}

export const DiffLanguage = createContext<IDiffLanguage>({
  path: '',
  languages: null
});

/** Limits of a diff of two texts: above, whole blocks of lines are shown as replaced. */
const DIFF_LIMITS = { scanLimit: 500, timeout: 200 };
const LINE_HEIGHT = '1.4em';

async function loadLanguage(
  path: string,
  languages: IEditorLanguageRegistry | null
): Promise<Extension> {
  try {
    const language = languages?.findByFileName(path);
    return (
      (language && (await languages!.getLanguage(language)))?.support ?? []
    );
  } catch (error) {
    console.warn(`No syntax colours for ${path}`, error);
    return [];
  }
}

/**
 * Text of a side. Every line ends with a line break: otherwise equal lines would differ if only one
 * side has a line after it.
 */
export function textOf(
  lines: readonly IDiffLine[],
  side: 'from' | 'to'
): string {
  return lines
    .filter(line => line[side] !== null)
    .map(line => `${line.text}\n`)
    .join('');
}

/** Hides the empty line after the last line break. */
const hiddenEnd = EditorView.decorations.compute(['doc'], ({ doc }) =>
  Decoration.set([
    Decoration.line({ class: 'jp-mlws-Diff-end' }).range(doc.length)
  ])
);

/** Creates the editor of a diff; the new text is editable content, removed lines are above it. */
function createEditor(
  parent: HTMLElement,
  lines: readonly IDiffLine[],
  label: string,
  language: Extension
): EditorView {
  const original = textOf(lines, 'from');
  const doc = textOf(lines, 'to');
  const first = lines.find(line => line.to !== null)?.to ?? 1;
  return new EditorView({
    parent,
    doc,
    extensions: [
      lineNumbers({
        formatNumber: (number, { doc }) =>
          number === doc.lines ? '' : String(number + first - 1)
      }),
      hiddenEnd,
      jupyterTheme,
      language,
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ 'aria-label': label }),
      unifiedMergeView({
        original,
        mergeControls: false,
        // A text without a counterpart has no changed words.
        highlightChanges: original !== '' && doc !== '',
        diffConfig: DIFF_LIMITS
      })
    ]
  });
}

/** Read-only part of a diff, with line numbers of the new side; rendered when visible. */
export function DiffText(props: { lines: readonly IDiffLine[] }): JSX.Element {
  const { path, languages } = useContext(DiffLanguage);
  const host = useRef<HTMLDivElement>(null);
  const key = JSON.stringify(props.lines);
  const notes = props.lines.filter(line => line.kind === 'note');
  useEffect(() => {
    const element = host.current!;
    let editor: EditorView | null = null;
    let isDisposed = false;
    const draw = async (): Promise<void> => {
      observer.disconnect();
      // Removed lines are coloured once, when they are drawn.
      const language = await loadLanguage(path, languages);
      if (!isDisposed) {
        const label = trans.__('Changes');
        editor = createEditor(element, props.lines, label, language);
      }
    };
    const observer = new IntersectionObserver(
      entries => entries.some(one => one.isIntersecting) && void draw(),
      { rootMargin: '500px' }
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      isDisposed = true;
      editor?.destroy();
    };
    // `key` has the lines.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, path, languages]);
  return (
    <>
      <div
        ref={host}
        className="jp-mlws-Diff"
        style={{ minHeight: `calc(${props.lines.length} * ${LINE_HEIGHT})` }}
      />
      {notes.map((note, index) => (
        <Hint key={index}>{note.text}</Hint>
      ))}
    </>
  );
}
