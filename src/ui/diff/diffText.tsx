import { standardKeymap } from '@codemirror/commands';
import type { Language } from '@codemirror/language';
import { presentableDiff } from '@codemirror/merge';
import { EditorState, RangeSet, Text, type Range } from '@codemirror/state';
import {
  type BlockInfo,
  Decoration,
  EditorView,
  gutter,
  GutterMarker,
  gutterLineClass,
  keymap
} from '@codemirror/view';
import {
  jupyterHighlightStyle,
  jupyterTheme,
  type IEditorLanguageRegistry
} from '@jupyterlab/codemirror';
import { highlightCode } from '@lezer/highlight';
import { createContext, useContext, useEffect, useRef } from 'react';

import { Hint } from '../controls';
import { trans } from '../locale';
import { blocksOf, type IDiffLine } from './unified';

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
export const DIFF_LIMITS = { scanLimit: 500, timeout: 200 };
const LINE_HEIGHT = '1.4em';

/** Loads the language of a file by its name; null if there is none. */
export async function loadLanguage({ path, languages }: IDiffLanguage) {
  try {
    const language = languages?.findByFileName(path);
    return (
      (language && (await languages!.getLanguage(language)))?.support ?? null
    );
  } catch (error) {
    console.warn(`No syntax colours for ${path}`, error);
    return null;
  }
}

/** Changed words of removed lines and of the added ones after them. */
function wordMarks(
  doc: Text,
  lines: readonly IDiffLine[]
): Range<Decoration>[] {
  return blocksOf(lines).flatMap(({ removed, added }) => {
    if (removed.length === 0 || added.length === 0) {
      return [];
    }
    const [from, to] = [removed, added].map(side => doc.line(side[0] + 1).from);
    const [old, now] = [removed, added].map(side =>
      side.map(at => lines[at].text).join('\n')
    );
    return presentableDiff(old, now, DIFF_LIMITS).flatMap(change => [
      ...mark('cm-deletedText', from + change.fromA, from + change.toA),
      ...mark('cm-changedText', to + change.fromB, to + change.toB)
    ]);
  });
}

function mark(name: string, from: number, to: number): Range<Decoration>[] {
  return from < to ? [Decoration.mark({ class: name }).range(from, to)] : [];
}

/** Syntax colours of one side, which is parsed alone; lines of both are those of the new one. */
function syntaxMarks(
  doc: Text,
  lines: readonly IDiffLine[],
  side: 'from' | 'to',
  { parser }: Language
): Range<Decoration>[] {
  const marks: Range<Decoration>[] = [];
  const numbers = [...lines.keys()].filter(at => lines[at][side] !== null);
  const text = numbers.map(at => lines[at].text).join('\n');
  let line = 0;
  let column = 0;
  highlightCode(
    text,
    parser.parse(text),
    jupyterHighlightStyle,
    (code, classes) => {
      const at = numbers[line];
      if (classes && (side === 'to' || lines[at].to === null)) {
        const from = doc.line(at + 1).from + column;
        marks.push(...mark(classes, from, from + code.length));
      }
      column += code.length;
    },
    () => {
      line += 1;
      column = 0;
    }
  );
  return marks;
}

/** Changed lines that the selection has a part of. */
function selectedLines(
  { doc, selection }: EditorState,
  lines: readonly IDiffLine[]
): IDiffLine[] {
  const { from, to, empty } = selection.main;
  const [first, last] = [doc.lineAt(from), doc.lineAt(to)];
  const end = last.from === to ? last.number - 1 : last.number;
  return empty
    ? []
    : lines
        .slice(first.number - 1, end)
        .filter(({ kind }) => kind === 'added' || kind === 'removed');
}

/** Selects the lines from a pressed one to the one under the pointer. */
function selectByGutter(
  view: EditorView,
  pressed: BlockInfo,
  event: MouseEvent
): void {
  const { doc, selection } = view.state;
  const start = event.shiftKey
    ? view.lineBlockAt(selection.main.anchor)
    : pressed;
  const after = (line: BlockInfo) => Math.min(line.to + 1, doc.length);
  const extend = (line: BlockInfo) =>
    view.dispatch({
      selection:
        line.from < start.from
          ? { anchor: after(start), head: line.from }
          : { anchor: start.from, head: after(line) }
    });
  const move = ({ clientY }: MouseEvent) =>
    extend(view.lineBlockAtHeight(clientY - view.documentTop));
  extend(pressed);
  view.focus();
  document.addEventListener('mousemove', move);
  document.addEventListener(
    'mouseup',
    () => document.removeEventListener('mousemove', move),
    { once: true }
  );
}

class LineNumber extends GutterMarker {
  constructor(private _number: number) {
    super();
  }

  toDOM(): Node {
    return document.createTextNode(String(this._number));
  }
}

class SelectedLine extends GutterMarker {
  elementClass = 'jp-mod-selected';
}

const SELECTED_LINE = new SelectedLine();

/** Line numbers of a side. */
function numbersOf(lines: readonly IDiffLine[], side: 'from' | 'to') {
  const numberOf = (view: EditorView, { from }: BlockInfo) =>
    lines[view.state.doc.lineAt(from).number - 1]?.[side] ?? null;
  const largest = Math.max(0, ...lines.map(line => line[side] ?? 0));
  return gutter({
    class: 'cm-lineNumbers',
    lineMarker: (view, line) => {
      const number = numberOf(view, line);
      return number === null ? null : new LineNumber(number);
    },
    initialSpacer: () => new LineNumber(largest),
    domEventHandlers: {
      mousedown: (view, line, event) => {
        selectByGutter(view, line, event as MouseEvent);
        return true;
      }
    }
  });
}

interface IEditorProps {
  lines: readonly IDiffLine[];
  /** Called with the changed lines that are selected, whenever the selection changes. */
  onSelect?: (lines: readonly IDiffLine[]) => void;
}

/** Creates the read-only editor of a diff, in which removed lines are before the added ones. */
function createEditor(
  parent: HTMLElement,
  { lines, onSelect }: IEditorProps,
  language: Language | undefined
): EditorView {
  // Every line ends with a line break, so that each of them can be selected.
  const doc = Text.of([...lines.map(line => line.text), '']);
  const classes: Record<string, string> = {
    removed: 'cm-deletedLine',
    added: 'cm-changedLine'
  };
  const lineMarks = lines.flatMap(({ kind }, at) =>
    classes[kind]
      ? [Decoration.line({ class: classes[kind] }).range(doc.line(at + 1).from)]
      : []
  );
  const end = Decoration.line({ class: 'jp-mlws-Diff-end' }).range(doc.length);
  const syntax = language
    ? (['from', 'to'] as const).flatMap(side =>
        syntaxMarks(doc, lines, side, language)
      )
    : [];
  const selectedMarks = gutterLineClass.compute(['selection'], state =>
    RangeSet.of(
      selectedLines(state, lines).map(line =>
        SELECTED_LINE.range(doc.line(lines.indexOf(line) + 1).from)
      )
    )
  );
  return new EditorView({
    parent,
    state: EditorState.create({
      doc,
      extensions: [
        (['from', 'to'] as const)
          .filter(side => lines.some(line => line[side] !== null))
          .map(side => numbersOf(lines, side)),
        selectedMarks,
        jupyterTheme,
        EditorView.decorations.of(Decoration.set([...lineMarks, end], true)),
        EditorView.decorations.of(Decoration.set(wordMarks(doc, lines), true)),
        EditorView.decorations.of(Decoration.set(syntax, true)),
        EditorState.readOnly.of(true),
        keymap.of(standardKeymap),
        EditorView.contentAttributes.of({
          'aria-label': trans.__('Changes'),
          'aria-readonly': 'true'
        }),
        EditorView.updateListener.of(({ selectionSet, state }) => {
          if (selectionSet) {
            onSelect?.(selectedLines(state, lines));
          }
        })
      ]
    })
  });
}

/** Read-only part of a diff, with line numbers of both sides; rendered when visible. */
export function DiffText(props: IEditorProps): JSX.Element {
  const { onSelect } = props;
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
      const support = await loadLanguage({ path, languages });
      if (!isDisposed) {
        const lines = props.lines.filter(line => line.kind !== 'note');
        editor = createEditor(element, { lines, onSelect }, support?.language);
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
      onSelect?.([]);
    };
    // `key` has the lines.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, path, languages, onSelect]);
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
