import type { FieldProps } from '@rjsf/utils';

import type { ITableColumn } from '../../api/models';
import { trans } from '../../ui/locale';
import {
  readChoice,
  readPair,
  ruleNames,
  writePair
} from '../document/expressions';
import type { ISchema } from '../document/schema';
import {
  columnFactsText,
  columnKindText,
  columnRoleText,
  columnTypeText,
  type ColumnKind,
  type ColumnRole
} from '../labels';
import { useState } from 'react';
import { NewColumn } from './columnFields';
import { RemoveButton } from './removeButton';

/** Gives each of some columns a value: a new name, a type, a range. */
export function PairsField(props: FieldProps): JSX.Element {
  const { schema, formContext, name } = props;
  const isTable = (schema as ISchema)['x-pairs']!.about && formContext.hasTable;
  const [isOpen, setOpen] = useState(false);
  return isTable ? (
    // The same values are in the table of the columns.
    <details open={isOpen}>
      <summary
        onClick={event => {
          event.preventDefault();
          setOpen(!isOpen);
        }}
      >
        {trans.__('%1 as a list', schema.title ?? name)}
      </summary>
      <Pairs {...props} />
    </details>
  ) : (
    <Pairs {...props} />
  );
}

function Pairs(props: FieldProps): JSX.Element {
  const { idSchema, name, schema, formContext, onChange } = props;
  const { port, title, choices, initial, labels, about } = (schema as ISchema)[
    'x-pairs'
  ]!;
  const table = formContext.columns?.[port];
  const columns: ITableColumn[] = table?.columns ?? [];
  const pairs = (Array.isArray(props.formData) ? props.formData : []).map(one =>
    (choices.length > 0 ? readChoice : readPair)(String(one ?? ''))
  );
  const set = (index: number, value: string): void =>
    onChange(
      pairs.map((pair, n) => writePair(n === index ? { ...pair, value } : pair))
    );
  const add = (column: string): void => {
    const type = columns.find(one => one.name === column)?.type ?? '';
    const value = choices.includes(type)
      ? type
      : (choices[0] ?? initial.replace('{column}', column));
    onChange([...pairs.map(writePair), writePair({ column, value })]);
  };
  const free = columns.filter(one =>
    pairs.every(pair => pair.column !== one.name)
  );
  return (
    <fieldset className="jp-mlws-Field-group jp-mlws-Pairs" id={idSchema.$id}>
      <legend>{schema.title ?? name}</legend>
      {schema.description && (
        <div className="jp-mlws-Field-help">{schema.description}</div>
      )}
      {pairs.map(({ column, value }, index) => {
        const label = `${column}: ${title}`;
        return (
          <div key={`${index} ${column}`} className="jp-mlws-Field-item">
            <span className="jp-mlws-Pairs-column" title={column}>
              {column}
            </span>
            {choices.length > 0 ? (
              <select
                aria-label={label}
                value={value}
                onChange={event => set(index, event.target.value)}
              >
                {!choices.includes(value) && (
                  <option value={value}>{value}</option>
                )}
                {choices.map((choice, at) => (
                  <option key={choice} value={choice}>
                    {labels?.[at] ??
                      (about === 'role'
                        ? columnRoleText(choice as ColumnRole)
                        : about === 'kind'
                          ? columnKindText(choice as ColumnKind)
                          : columnTypeText(choice as ITableColumn['type']))}
                  </option>
                ))}
              </select>
            ) : (
              <input
                aria-label={label}
                className="jp-mod-styled"
                type="text"
                value={value}
                onChange={event => set(index, event.target.value)}
              />
            )}
            <RemoveButton
              label={trans.__('Remove %1', column)}
              onClick={() =>
                onChange(pairs.filter((_, n) => n !== index).map(writePair))
              }
            />
          </div>
        );
      })}
      {free.length > 0 && (
        <select
          aria-label={trans.__('Add a column')}
          value=""
          onChange={event => add(event.target.value)}
        >
          <option value="">{trans.__('Add a column…')}</option>
          {free.map(column => (
            <option key={column.name} value={column.name}>
              {[column.name, columnFactsText(column)]
                .filter(Boolean)
                .join(' · ')}
            </option>
          ))}
        </select>
      )}
      {!table?.complete && <NewColumn onAdd={add} />}
    </fieldset>
  );
}

/** Selects among the rules of the `rules` setting. */
export function RulesField(props: FieldProps): JSX.Element {
  const { idSchema, name, schema, formContext, onChange } = props;
  const chosen: string[] = Array.isArray(props.formData) ? props.formData : [];
  const rules = ruleNames(
    (schema as ISchema)['x-rules'] ?? [],
    formContext.draft ?? {}
  );
  const unknown = chosen.filter(one => !rules.includes(one));
  const toggle = (rule: string): void =>
    onChange(
      chosen.includes(rule)
        ? chosen.filter(one => one !== rule)
        : [...chosen, rule]
    );
  return (
    <fieldset className="jp-mlws-Columns" id={idSchema.$id}>
      <legend>{schema.title ?? name}</legend>
      {schema.description && (
        <div className="jp-mlws-Field-help">{schema.description}</div>
      )}
      <ul>
        {[...rules, ...unknown].map(rule => (
          <li key={rule}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(rule)}
                onChange={() => toggle(rule)}
              />
              <span className="jp-mlws-Columns-name">{rule}</span>
              {unknown.includes(rule) && (
                <span className="jp-mlws-Field-type">
                  {trans.__('does not exist')}
                </span>
              )}
            </label>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
