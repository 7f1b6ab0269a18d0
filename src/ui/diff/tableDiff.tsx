import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IRowChange, ITableChange } from '../../api/models';
import { Hint, LabelledSelect } from '../controls';
import { listText } from '../format';
import { trans } from '../locale';
import { Answer, useGet } from '../server';
import { Head } from '../table/heading';

/** Files whose rows are compared. */
const TABLE = /\.(csv|tsv|parquet|pq|jsonl|ndjson|xlsx)$/i;

/** Tests whether a file is a table, by its name. */
export const isTable = (path: string): boolean => TABLE.test(path);

type State = 'modified' | 'added' | 'deleted';

const SIGNS: Record<string, string> = {
  added: '+',
  deleted: '−',
  modified: '~'
};

/** Returns how many rows there are, what they are matched by, and how many differ. */
export function summaryOf(change: ITableChange): string {
  const { rows_before: before, rows_after: after, key } = change;
  const parts = [trans.__('%1 → %2 rows', before ?? 0, after ?? 0)];
  for (const [count, text] of [
    [
      change.modified,
      trans._n('%1 row changed', '%1 rows changed', change.modified)
    ],
    [change.added, trans._n('%1 row added', '%1 rows added', change.added)],
    [
      change.deleted,
      trans._n('%1 row deleted', '%1 rows deleted', change.deleted)
    ]
  ] as const) {
    if (count > 0) {
      parts.push(text);
    }
  }
  if (change.reordered) {
    parts.push(trans.__('the same rows in another order'));
  }
  if (before !== null && after !== null) {
    parts.push(
      key !== null
        ? trans.__('matched by “%1”', key)
        : change.modified > 0
          ? trans.__('matched by position, since no column identifies rows')
          : trans.__('matched by all values, since no column identifies rows')
    );
  }
  return parts.join(' · ');
}

/** Returns the columns of the rows, in the order of their first use. */
export function columnsOf(rows: readonly IRowChange[]): string[] {
  return [
    ...new Set(rows.flatMap(({ values }) => values.map(({ name }) => name)))
  ];
}

function Cell(props: { row: IRowChange; name: string }): JSX.Element {
  const { row, name } = props;
  const value = row.values.find(one => one.name === name);
  if (value === undefined) {
    return <td />;
  }
  return (
    <td>
      {row.state !== 'added' && (
        <del className="jp-mlws-Removed">{String(value.from ?? '')}</del>
      )}{' '}
      {row.state !== 'deleted' && (
        <ins className="jp-mlws-Added">{String(value.to ?? '')}</ins>
      )}
    </td>
  );
}

function Rows({ change }: { change: ITableChange }): JSX.Element | null {
  const [state, setState] = useState<State | ''>('');
  const labels: Record<State, string> = {
    modified: trans.__('Changed rows'),
    added: trans.__('Added rows'),
    deleted: trans.__('Deleted rows')
  };
  const total = change.modified + change.added + change.deleted;
  if (total === 0) {
    return null;
  }
  const rows = change.rows.filter(row => state === '' || row.state === state);
  const count = state === '' ? total : change[state];
  const names = columnsOf(rows);
  return (
    <>
      <div className="jp-mlws-Tools">
        <LabelledSelect
          label={trans.__('Show')}
          value={state}
          options={[
            ['', trans.__('All differences')] as const,
            ...(Object.keys(labels) as State[])
              .filter(one => change[one] > 0)
              .map(one => [one, labels[one]] as const)
          ]}
          onChange={setState}
        />
      </div>
      <div
        className="jp-mlws-Scrolled"
        role="region"
        aria-label={trans.__('Rows')}
        tabIndex={0}
      >
        <table className="jp-mlws-Values">
          <Head names={['', change.key ?? '#', ...names]} />
          <tbody>
            {rows.map((row, at) => (
              <tr key={at} data-mlws-row-state={row.state}>
                <td title={labels[row.state as State]}>{SIGNS[row.state]}</td>
                <th scope="row">{row.key}</th>
                {names.map(name => (
                  <Cell key={name} row={row} name={name} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length < count && (
        <Hint>
          {trans.__('The first %1 of %2 are shown.', rows.length, count)}
        </Hint>
      )}
    </>
  );
}

function Columns({ change }: { change: ITableChange }): JSX.Element {
  const [added, deleted] = (['before', 'after'] as const).map(side =>
    change.columns.filter(one => one[side] === null).map(({ name }) => name)
  );
  const typed = change.columns.filter(
    ({ before, after }) => before !== null && after !== null
  );
  return (
    <>
      {added.length > 0 && (
        <p>{trans.__('New columns: %1', listText(added))}</p>
      )}
      {deleted.length > 0 && (
        <p>{trans.__('Deleted columns: %1', listText(deleted))}</p>
      )}
      {typed.map(({ name, before, after }) => (
        <p key={name}>
          {trans.__('%1 was of type %2, and is %3', name, before!, after!)}
        </p>
      ))}
    </>
  );
}

interface IProps {
  client: MLWSClient;
  path: string;
  /** The versions, as the query of `git/diff` has them. */
  query: object;
  /** As that of the query of the text. */
  staleTime?: number | 'static';
}

/** A table in two versions, row by row. */
export function TableDiff(props: IProps): JSX.Element {
  const { client, path, query, staleTime } = props;
  const answer = useGet<'/git/diff/table', ITableChange>(
    client,
    '/git/diff/table',
    { path, ...query },
    { staleTime }
  );
  return (
    <Answer of={answer}>
      {change =>
        change.problem !== null ? (
          <Hint>
            {trans.__('The rows can’t be compared: %1', change.problem)}
          </Hint>
        ) : (
          <section
            className="jp-mlws-TableDiff"
            aria-label={trans.__('Differences of the table')}
          >
            <p>{summaryOf(change)}</p>
            <Columns change={change} />
            <Rows change={change} />
          </section>
        )
      }
    </Answer>
  );
}
