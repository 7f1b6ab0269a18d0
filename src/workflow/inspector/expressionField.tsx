import {
  acceptCompletion,
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';
import type { WidgetProps } from '@rjsf/utils';
import { useEffect, useRef } from 'react';

import type { ITableColumns } from '../../api/models';
import { trans } from '../../ui/locale';
import { columnInExpression } from '../document/expressions';
import type { ISchema } from '../document/schema';
import { columnTypeText } from '../labels';

/** Signs that a click inserts. */
const OPERATORS = ['+', '-', '*', '/', '>', '>=', '<', '<=', '==', '!='];
const WORD_OPERATORS = ['and', 'or', 'not', 'in'];

/** Edits an expression: columns and functions are completed, and inserted by a click. */
export function ExpressionWidget(props: WidgetProps): JSX.Element {
  const { id, value, label, onChange, options, formContext } = props;
  const { port, functions } = options.expression as NonNullable<
    ISchema['x-expression']
  >;
  const table: ITableColumns | undefined = formContext?.columns?.[port];
  const columns = table?.columns ?? [];
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const text = typeof value === 'string' ? value : '';

  const latest = useRef({ onChange, completions: [] as Completion[] });
  latest.current = {
    onChange,
    completions: [
      ...columns.map(column => ({
        label: column.name,
        apply: columnInExpression(column.name),
        detail: columnTypeText(column.type),
        type: 'variable',
        boost: 1
      })),
      ...functions.map(name => ({
        label: name,
        apply: insertCall,
        detail: trans.__('function'),
        type: 'function'
      }))
    ]
  };

  useEffect(() => {
    const editor = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: text,
        extensions: [
          history(),
          jupyterTheme,
          EditorView.lineWrapping,
          // The command cannot contain a line break.
          EditorState.transactionFilter.of(change =>
            change.newDoc.lines > 1 ? [] : change
          ),
          autocompletion({
            override: [context => complete(context, latest.current.completions)]
          }),
          keymap.of([
            { key: 'Tab', run: acceptCompletion },
            ...completionKeymap,
            ...historyKeymap,
            ...defaultKeymap
          ]),
          EditorView.contentAttributes.of({ id, 'aria-label': label }),
          EditorView.updateListener.of(update => {
            if (update.docChanged) {
              latest.current.onChange(update.state.doc.toString());
            }
          })
        ]
      })
    });
    view.current = editor;
    return () => editor.destroy();
    // The editor lives as long as the field; `latest` has the rest.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id]);
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== text) {
      editor.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: text }
      });
    }
  }, [text]);

  const insert = (words: string): void => {
    const editor = view.current!;
    const { from } = editor.state.selection.main;
    const before = editor.state.sliceDoc(Math.max(0, from - 1), from);
    const gap = before === '' || /[\s(]/.test(before) ? '' : ' ';
    editor.dispatch(editor.state.replaceSelection(gap + words), {
      scrollIntoView: true
    });
    editor.focus();
  };
  const call = (name: string): void => {
    const editor = view.current!;
    const { from, to } = editor.state.selection.main;
    insertCall(editor, { label: name }, from, to);
    editor.focus();
  };
  return (
    <div className="jp-mlws-Expression">
      <div ref={host} className="jp-mlws-Expression-editor jp-mod-styled" />
      <div
        className="jp-mlws-Expression-choices"
        role="group"
        aria-label={trans.__('Insert into the expression')}
      >
        {columns.map(column => (
          <button
            key={column.name}
            type="button"
            className="jp-mlws-Expression-column"
            title={[columnTypeText(column.type), ...column.examples]
              .filter(Boolean)
              .join(', ')}
            onClick={() => insert(columnInExpression(column.name))}
          >
            {column.name}
          </button>
        ))}
        {[...OPERATORS, ...WORD_OPERATORS].map(sign => (
          <button key={sign} type="button" onClick={() => insert(`${sign} `)}>
            {sign}
          </button>
        ))}
        <select
          aria-label={trans.__('Function')}
          value=""
          onChange={event => call(event.target.value)}
        >
          <option value="">{trans.__('Function…')}</option>
          {functions.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

function complete(
  context: CompletionContext,
  options: Completion[]
): CompletionResult | null {
  const word = context.matchBefore(/`?[\p{L}\p{N}_]*/u);
  return word && (word.from < word.to || context.explicit)
    ? { from: word.from, options, validFor: /^`?[\p{L}\p{N}_]*$/u }
    : null;
}

/** Inserts a function; the selection becomes its argument, and the cursor is inside. */
function insertCall(
  view: EditorView,
  { label }: Completion,
  from: number,
  to: number
): void {
  const isSelected = view.state.selection.main.empty === false;
  const argument = isSelected ? view.state.sliceDoc(from, to) : '';
  const insert = `${label}(${argument})`;
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor: from + insert.length - (isSelected ? 0 : 1) }
  });
}
