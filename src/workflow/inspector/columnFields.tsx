import type { FieldProps, WidgetProps } from '@rjsf/utils';
import { useLayoutEffect, useReducer, useRef, useState } from 'react';

import type { ITableColumn, ITableColumns } from '../../api/models';
import { trans } from '../../ui/locale';
import type { ISchema } from '../document/schema';
import type { IGraph, IGraphNode } from '../graph/graph';
import { upstream } from '../graph/order';
import { columnFactsText } from '../labels';
import { useReply } from '../replies';
import { useCanvas } from '../context';
import { useSlot } from '../hooks';

const NO_COLUMNS: ITableColumns = { columns: [], complete: false };

/** The columns of a node's input tables by port, read again after each validation. */
export type ColumnsOfPorts = Record<string, ITableColumns>;

/** Reads the columns of a node's input tables; null until they are known for the first time. */
export function useColumns(node: IGraphNode): ColumnsOfPorts | null {
  const { model } = useCanvas();
  const [version, next] = useReducer((count: number) => count + 1, 0);
  useSlot(model.drawing.validated, next);
  const isNeeded = Object.values(node.settings?.properties ?? {}).some(
    one => one['x-columns'] || one['x-expression'] || one['x-pairs']
  );
  const reply = useReply(
    isNeeded
      ? service => service.columns.read(model.document.text, node.id)
      : null,
    [node.id, version, isNeeded]
  );
  if (isNeeded && reply.data === null && reply.error === null) {
    return null;
  }
  return Object.fromEntries(
    Object.entries(reply.data?.inputs ?? {}).flatMap(([port, [table]]) =>
      table ? [[port, table]] : []
    )
  );
}

interface IFormContext {
  node?: string;
  columns?: ColumnsOfPorts | null;
}

/** Choice for typing the name of an unknown column. */
const OTHER_COLUMN = '\0other';

function columnsOf(schema: ISchema, context: IFormContext): ITableColumns {
  const port = schema['x-columns']?.port;
  return (port && context.columns?.[port]) || NO_COLUMNS;
}

/** Select field for a column; if the list is incomplete, a name can be typed. */
export function ColumnWidget(props: WidgetProps): JSX.Element {
  const { id, value, required, onChange, schema, formContext } = props;
  const table = columnsOf(schema as ISchema, formContext);
  const { columns, complete } = table;
  const implied = useImpliedText(schema as ISchema, table, formContext.node);
  const [isTyping, setTyping] = useState(false);
  const isLoading = formContext?.columns === null;
  const isKnown = complete || columns.length > 0;
  const isList = isLoading || (isKnown && (complete || !isTyping));
  // A field that becomes a list, or a list that becomes a field, keeps the focus.
  const field = useRef<HTMLElement | null>(null);
  const hadFocus =
    field.current !== null && document.activeElement === field.current;
  useLayoutEffect(() => {
    if (hadFocus) {
      field.current?.focus();
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isList]);
  const setField = (element: HTMLElement | null): void => {
    field.current = element ?? field.current;
  };
  const text = typeof value === 'string' ? value : '';
  const choose = (name: string): void =>
    onChange(name === '' ? (required ? '' : undefined) : name);
  const isMissing =
    !isLoading && text !== '' && columns.every(one => one.name !== text);
  const list = `${id}-columns`;
  return isList ? (
    <select
      id={id}
      ref={setField}
      value={text}
      onChange={event => {
        if (event.target.value === OTHER_COLUMN) {
          setTyping(true);
        } else {
          choose(event.target.value);
        }
      }}
    >
      <option value="">
        {required ? trans.__('Choose a column…') : (implied ?? '—')}
      </option>
      {isLoading && text !== '' && <option value={text}>{text}</option>}
      {isMissing && (
        <option value={text}>
          {complete ? trans.__('%1 (does not exist)', text) : text}
        </option>
      )}
      {columns.map(column => (
        <option key={column.name} value={column.name}>
          {optionText(column, columnFactsText(column))}
        </option>
      ))}
      {!complete && !isLoading && (
        <option value={OTHER_COLUMN}>{trans.__('Another column…')}</option>
      )}
    </select>
  ) : (
    <>
      <input
        id={id}
        ref={setField}
        className="jp-mod-styled"
        type="text"
        list={list}
        value={text}
        placeholder={required ? trans.__('Name of a column') : implied}
        onChange={event => choose(event.target.value)}
      />
      <datalist id={list}>
        {columns.map(column => (
          <option key={column.name} value={column.name} />
        ))}
      </datalist>
    </>
  );
}

/** Chooses several columns; they have the order in which they were chosen. */
export function ColumnsField(props: FieldProps): JSX.Element {
  const { idSchema, name, schema, formContext, onChange } = props;
  const { columns, complete } = columnsOf(schema as ISchema, formContext);
  const chosen: string[] = Array.isArray(props.formData) ? props.formData : [];
  const unknown = chosen.filter(one => columns.every(c => c.name !== one));
  const toggle = (column: string): void =>
    onChange(
      chosen.includes(column)
        ? chosen.filter(one => one !== column)
        : [...chosen, column]
    );
  const add = (column: string): void => {
    if (!chosen.includes(column)) {
      toggle(column);
    }
  };
  const rows = [
    ...columns,
    ...unknown.map(one => ({ name: one, type: null, examples: [] }))
  ];
  return (
    <fieldset className="jp-mlws-Columns" id={idSchema.$id}>
      <legend>{schema.title ?? name}</legend>
      {schema.description && (
        <div className="jp-mlws-Field-help">{schema.description}</div>
      )}
      <ul>
        {rows.map(column => (
          <li key={column.name}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(column.name)}
                onChange={() => toggle(column.name)}
              />
              <span className="jp-mlws-Columns-name">{column.name}</span>
              <span className="jp-mlws-Field-type">
                {complete && unknown.includes(column.name)
                  ? trans.__('does not exist')
                  : columnFactsText(column)}
              </span>
              <span className="jp-mlws-Columns-examples">
                {column.examples.join(', ')}
              </span>
              {chosen.length > 1 && chosen.includes(column.name) && (
                <span className="jp-mlws-Columns-place">
                  {chosen.indexOf(column.name) + 1}
                </span>
              )}
            </label>
          </li>
        ))}
      </ul>
      {!complete && (
        <div className="jp-mlws-Field-item">
          <NewColumn onAdd={add} />
        </div>
      )}
    </fieldset>
  );
}

/** Adds the name of a column if the list is incomplete. */
export function NewColumn({
  onAdd
}: {
  onAdd: (name: string) => void;
}): JSX.Element {
  const [draft, setDraft] = useState('');
  const add = (): void => {
    if (draft.trim() !== '') {
      onAdd(draft.trim());
    }
    setDraft('');
  };
  return (
    <input
      aria-label={trans.__('Name of a column')}
      className="jp-mod-styled"
      type="text"
      placeholder={trans.__('Name of a column')}
      value={draft}
      onChange={event => setDraft(event.target.value)}
      onBlur={add}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          event.preventDefault();
          add();
        }
      }}
    />
  );
}

/** The text of a column in a list: its name, facts and some values. */
function optionText({ name, examples }: ITableColumn, facts: string): string {
  const details = [facts, examples.join(', ')].filter(Boolean).join(': ');
  return details ? `${name} (${details})` : name;
}

/** Explains the default column of an empty setting; undefined if it has none. */
function useImpliedText(
  schema: ISchema,
  { columns, complete }: ITableColumns,
  node = ''
): string | undefined {
  const { model } = useCanvas();
  const role = schema['x-columns']?.role;
  if (!role) {
    return undefined;
  }
  const column = columns.find(one => one.role === role);
  if (column) {
    const sources = sourcesOf(model.drawing.graph, node);
    return sources.length === 1
      ? trans.__('%1 (role in %2)', column.name, sources[0])
      : trans.__('%1 (by its role)', column.name);
  }
  if (role !== 'target') {
    return undefined;
  }
  if (columns.some(({ name }) => name === 'target')) {
    return trans.__('%1 (by its name)', 'target');
  }
  return complete && columns.length > 0
    ? trans.__('%1 (last column)', columns[columns.length - 1].name)
    : undefined;
}

/** Returns the nodes before a node that give columns their roles. */
function sourcesOf(graph: IGraph, node: string): string[] {
  return [node, ...upstream(graph, node)].filter(id =>
    Object.values(graph.nodes.get(id)?.settings?.properties ?? {}).some(
      one => one['x-pairs']?.about === 'role'
    )
  );
}
