import type { FieldProps, WidgetProps } from '@rjsf/utils';
import { useLayoutEffect, useReducer, useRef, useState } from 'react';

import type { ITableColumn, ITableColumns } from '../../api/models';
import type { ISchema } from '../document/schema';
import type { IGraphNode } from '../graph/graph';
import { columnTypeText } from '../labels';
import { useCanvas, useReply, useSlot } from '../store/hooks';

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
  columns?: ColumnsOfPorts | null;
}

function columnsOf(schema: ISchema, context: IFormContext): ITableColumns {
  const port = schema['x-columns']?.port;
  return (port && context.columns?.[port]) || NO_COLUMNS;
}

/** Chooses one column: from a list if all columns are known, else with free text. */
export function ColumnWidget(props: WidgetProps): JSX.Element {
  const { trans } = useCanvas();
  const { id, value, required, onChange, schema, formContext } = props;
  const { columns, complete } = columnsOf(schema as ISchema, formContext);
  const isLoading = formContext?.columns === null;
  const isList = complete || isLoading;
  // A field that turns into a list, or back, keeps the focus.
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
      onChange={event => choose(event.target.value)}
    >
      <option value="">{required ? trans.__('Choose a column…') : '—'}</option>
      {isLoading && text !== '' && <option value={text}>{text}</option>}
      {isMissing && (
        <option value={text}>{trans.__('%1 (does not exist)', text)}</option>
      )}
      {columns.map(column => (
        <option key={column.name} value={column.name}>
          {optionText(column, columnTypeText(column.type, trans))}
        </option>
      ))}
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
  const { trans } = useCanvas();
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
                  : columnTypeText(column.type, trans)}
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

/** Takes the name of a column where not all are known. */
export function NewColumn({
  onAdd
}: {
  onAdd: (name: string) => void;
}): JSX.Element {
  const { trans } = useCanvas();
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

/** The text of a column in a list: its name, type and some values. */
function optionText({ name, examples }: ITableColumn, type: string): string {
  const details = [type, examples.join(', ')].filter(Boolean).join(': ');
  return details ? `${name} (${details})` : name;
}
