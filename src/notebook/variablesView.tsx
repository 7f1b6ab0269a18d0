import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';

import type { MLWSClient } from '../api/client';
import type { IVariable, IVariables } from '../api/models';
import { Hint, SearchField } from '../ui/controls';
import { memorySize } from '../ui/format';
import { trans } from '../ui/locale';
import { Answer, useGet } from '../ui/server';
import { useValue } from '../ui/state';
import { useSignal } from '../ui/useSignal';
import type { NotebookModel } from './model';
import type { OpenNotebooks } from './open';

type Column = 'name' | 'type' | 'shape' | 'preview' | 'memory';

export interface IVariablesProps {
  client: MLWSClient;
  notebooks: OpenNotebooks;
  /** Opens a variable of the current notebook. */
  onOpen: (name: string) => void;
}

interface ISort {
  column: Column;
  isDescending: boolean;
}

/** The variables of the current notebook's kernel. */
export default function CurrentVariables(props: IVariablesProps): JSX.Element {
  const { client, notebooks, onOpen } = props;
  useSignal(notebooks.currentChanged);
  const { current } = notebooks;
  return current ? (
    <Variables client={client} model={current.model} onOpen={onOpen} />
  ) : (
    <Hint>{trans.__('Open a notebook to see its variables.')}</Hint>
  );
}

function Variables(props: {
  client: MLWSClient;
  model: NotebookModel;
  onOpen: (name: string) => void;
}): JSX.Element {
  const { client, model, onOpen } = props;
  const [filter, setFilter] = useState('');
  const [sort, setSort] = useState<ISort | null>(null);
  const id = useValue(model.id);
  // It is read again after each execution, as all of the notebook is.
  const answer = useGet(
    client,
    model.address('/variables'),
    {},
    { enabled: id !== null, keepPrevious: true }
  );
  return (
    <section aria-label={trans.__('Variables of this notebook')}>
      <SearchField
        className="jp-mlws-Search"
        value={filter}
        label={trans.__('Filter by name or type')}
        onChange={setFilter}
      />
      <Answer of={answer}>
        {variables => {
          const rows = matchingVariables(variables.items, filter, sort);
          return (
            <>
              {variables.is_busy && variables.reason === null && (
                <Hint role="status">
                  {trans.__('The kernel is busy. These are older values.')}
                </Hint>
              )}
              {rows.length > 0 ? (
                <VariableTable
                  rows={rows}
                  client={client}
                  sort={sort}
                  onSort={column => setSort(nextSort(sort, column))}
                  onOpen={onOpen}
                />
              ) : (
                <Hint role="status">{emptyLabel(variables)}</Hint>
              )}
              {variables.total > variables.items.length && (
                <Hint>
                  {trans.__(
                    'The first %1 of %2 variables.',
                    variables.items.length,
                    variables.total
                  )}
                </Hint>
              )}
            </>
          );
        }}
      </Answer>
    </section>
  );
}

/** Message for an empty list of variables. */
function emptyLabel({ reason }: IVariables): string {
  switch (reason) {
    case 'no_kernel':
      return trans.__('Variables are shown when the kernel runs.');
    case 'debugger_off':
      return trans.__(
        'Enable the debugger and run a cell to see the variables of this kernel.'
      );
    case 'unsupported':
      return trans.__(
        'Variables are not available: this kernel does not run IPython and has no debugger.'
      );
    default:
      return trans.__('No variables.');
  }
}

function VariableTable(props: {
  rows: readonly IVariable[];
  client: MLWSClient;
  sort: ISort | null;
  onSort: (column: Column) => void;
  onOpen: (name: string) => void;
}): JSX.Element {
  const { rows, sort, onSort, onOpen } = props;
  const columns: [Column, string][] = [
    ['name', trans.__('Name')],
    ['type', trans.__('Type')],
    ['shape', trans.__('Shape')],
    ['preview', trans.__('Value')],
    ['memory', trans.__('Memory')]
  ];
  return (
    <div className="jp-mlws-Variables" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(([column, label]) => {
              const isSorted = sort?.column === column;
              const order = sort?.isDescending ? 'descending' : 'ascending';
              const icon = sort?.isDescending ? caretDownIcon : caretUpIcon;
              return (
                <th key={column} aria-sort={isSorted ? order : 'none'}>
                  <button type="button" onClick={() => onSort(column)}>
                    {label}
                    {isSorted && <icon.react tag="span" />}
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.name}>
              <th scope="row">
                {row.view === null ? (
                  row.name
                ) : (
                  <button
                    type="button"
                    className="jp-mlws-Link"
                    title={trans.__('Open %1', row.name)}
                    onClick={() => onOpen(row.name)}
                  >
                    {row.name}
                  </button>
                )}
              </th>
              <td>{row.type}</td>
              <td>{row.shape?.join(' × ')}</td>
              <td className="jp-mlws-Variables-value" title={row.preview}>
                {row.preview}
              </td>
              <td>{row.memory === null ? '' : memorySize(row.memory)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The variables whose name or type has the text, in order; in that of the kernel unsorted. */
export function matchingVariables(
  items: readonly IVariable[],
  filter: string,
  sort: ISort | null
): IVariable[] {
  const text = filter.trim().toLowerCase();
  const rows = items.filter(({ name, type }) =>
    `${name} ${type}`.toLowerCase().includes(text)
  );
  if (sort) {
    const sign = sort.isDescending ? -1 : 1;
    rows.sort((one, other) => sign * compare(one, other, sort.column));
  }
  return rows;
}

function compare(one: IVariable, other: IVariable, column: Column): number {
  if (column === 'memory') {
    return (one.memory ?? -1) - (other.memory ?? -1);
  }
  if (column === 'shape') {
    return elementCount(one) - elementCount(other);
  }
  return one[column].localeCompare(other[column]);
}

function elementCount({ shape }: IVariable): number {
  return shape ? shape.reduce((product, size) => product * size, 1) : -1;
}

/** Ascending, descending, then the kernel's order. */
function nextSort(sort: ISort | null, column: Column): ISort | null {
  if (sort?.column !== column) {
    return { column, isDescending: false };
  }
  return sort.isDescending ? null : { column, isDescending: true };
}
