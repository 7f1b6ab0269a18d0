import { useVirtualizer } from '@tanstack/react-virtual';
import {
  useCallback,
  useEffect,
  useMemo,
  useReducer,
  useRef,
  useState
} from 'react';

import type { MLWSClient } from '../../api/client';
import type { IRowChange, ITableChange } from '../../api/models';
import { Hint, LabelledSelect } from '../controls';
import { listText } from '../format';
import { trans } from '../locale';
import { Answer, useGet } from '../server';
import { Head } from '../table/heading';
import { RowPages } from '../table/rowPages';
import { ColumnStatistics } from './columnStatistics';

/** Files whose rows are compared. */
const TABLE = /\.(csv|tsv|parquet|pq|jsonl|ndjson|xlsx)$/i;

/** Tests whether a file is a table, by its name. */
export const isTable = (path: string): boolean => TABLE.test(path);

/** Estimated height of a row, in pixels. */
const ROW_HEIGHT = 26;
/** Number of rows rendered beyond the viewport. */
const OVERSCAN = 20;
/** Maximum number of columns that are shown. */
const MAX_COLUMNS = 200;

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

/** Returns the columns of the rows that a filter shows. */
export function shownColumns(
  change: ITableChange,
  state: State | ''
): readonly string[] {
  const isChanged = state === 'modified' || change.added + change.deleted === 0;
  return change.common
    .filter(one => one.name !== change.key && (!isChanged || one.changed > 0))
    .map(({ name }) => name)
    .slice(0, MAX_COLUMNS);
}

function Rows(props: {
  change: ITableChange;
  read: (query: object) => Promise<ITableChange>;
}): JSX.Element | null {
  const { change, read } = props;
  const [state, setState] = useState<State | ''>('');
  const [column, setColumn] = useState('');
  const [first, setFirst] = useState(change);
  const [error, setError] = useState<string | null>(null);
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const labels: Record<State, string> = {
    modified: trans.__('Changed rows'),
    added: trans.__('Added rows'),
    deleted: trans.__('Deleted rows')
  };
  const total = change.modified + change.added + change.deleted;
  const pages = useMemo(
    () =>
      new RowPages(
        async (offset, limit) => {
          const answer = await read({
            offset,
            limit,
            ...(state && { state }),
            ...(column && { column })
          });
          setFirst(answer);
          return {
            columns: [],
            rows: answer.rows.map(row => [row]),
            offset,
            row_count: answer.kept,
            match_count: answer.match_count,
            truncated: false
          };
        },
        () => {
          setError(null);
          draw();
        },
        reason =>
          setError(reason instanceof Error ? reason.message : String(reason))
      ),
    [read, state, column]
  );
  useEffect(() => {
    pages.request(0, 1);
    return () => pages.dispose();
  }, [pages]);
  if (total === 0) {
    return null;
  }
  const names = column ? [column] : shownColumns(change, state);
  const columns = change.common.filter(one => one.changed > 0);
  const left =
    state === '' && column === ''
      ? total - change.kept
      : state !== '' && column === ''
        ? change[state] - first.match_count
        : 0;
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
        {columns.length > 1 && (
          <LabelledSelect
            label={trans.__('Column')}
            value={column}
            options={[
              ['', trans.__('All columns')] as const,
              ...columns.map(
                one => [one.name, `${one.name} (${one.changed})`] as const
              )
            ]}
            onChange={setColumn}
          />
        )}
      </div>
      {error !== null && <Hint>{error}</Hint>}
      <RowList
        key={`${state} ${column}`}
        names={names}
        keyName={change.key ?? '#'}
        count={first.match_count}
        pages={pages}
        labels={labels}
      />
      {left > 0 && (
        <Hint>
          {trans.__('%1 more rows differ, which are not shown.', left)}
        </Hint>
      )}
    </>
  );
}

/** The rows in view of a table of any length. */
function RowList(props: {
  names: readonly string[];
  keyName: string;
  count: number;
  pages: RowPages;
  labels: Record<State, string>;
}): JSX.Element {
  const { names, count, pages, labels } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN
  });
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => pages.request(first, last), [pages, first, last]);
  const above = items[0]?.start ?? 0;
  const below = rows.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  return (
    <div
      className="jp-mlws-Scrolled jp-mlws-TableDiff-rows"
      role="region"
      aria-label={trans.__('Rows')}
      tabIndex={0}
      ref={scroller}
    >
      <table className="jp-mlws-Values" aria-rowcount={count + 1}>
        <Head names={['', props.keyName, ...names]} />
        <tbody>
          {above > 0 && <Gap height={above} />}
          {items.map(({ index }) => {
            const row = pages.row(index)?.[0] as IRowChange | undefined;
            return (
              <tr
                key={index}
                data-index={index}
                ref={rows.measureElement}
                aria-rowindex={index + 2}
                data-mlws-row-state={row?.state}
              >
                <td title={row && labels[row.state as State]}>
                  {row ? SIGNS[row.state] : '…'}
                </td>
                <th scope="row">{row?.key}</th>
                {names.map(name =>
                  row ? (
                    <Cell key={name} row={row} name={name} />
                  ) : (
                    <td key={name} />
                  )
                )}
              </tr>
            );
          })}
          {below > 0 && <Gap height={below} />}
        </tbody>
      </table>
    </div>
  );
}

/** The place of rows that are not drawn. */
function Gap({ height }: { height: number }): JSX.Element {
  return (
    <tr aria-hidden="true">
      <td className="jp-mlws-TableDiff-gap" style={{ height }} />
    </tr>
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
  const asked = JSON.stringify({ path, ...query });
  const read = useCallback(
    (page: object) =>
      client.get('/git/diff/table', {
        ...(JSON.parse(asked) as { path: string }),
        ...page
      }),
    [client, asked]
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
            <Rows change={change} read={read} />
            <ColumnStatistics columns={change.statistics} />
          </section>
        )
      }
    </Answer>
  );
}
