import { memo, useRef, useState } from 'react';

import type { IColumnProfile } from '../api/models';
import { SearchField, Select } from '../ui/controls';
import { trans } from '../ui/locale';
import { LongList } from '../ui/virtualList';
import {
  columnKindText,
  columnRoleText,
  kindReasonText,
  type ColumnKind,
  type ColumnRole
} from './labels';

const KINDS: readonly ColumnKind[] = [
  'number',
  'category',
  'date',
  'text',
  'boolean',
  'identifier',
  'constant',
  'other'
];
const ROLES: readonly ColumnRole[] = [
  'feature',
  'target',
  'ignored',
  'group',
  'time',
  'weight'
];
/** Columns from which there is a filter. */
const MIN_FILTER_COLUMNS = 16;
/** Width and height of a distribution, in pixels. */
const [WIDTH, HEIGHT, BARS] = [60, 16, 10];

interface IColumnTable {
  columns: readonly IColumnProfile[];
  rows: number;
  /** By column; missing columns have their detected kind. */
  kinds: Readonly<Record<string, string>>;
  /** By column; missing columns are features. */
  roles: Readonly<Record<string, string>>;
  /** Null: the kind that was guessed. */
  onKind: (column: string, kind: ColumnKind | null) => void;
  onRole: (column: string, role: ColumnRole) => void;
}

/** Editable table of columns with their kinds and roles. */
export function ColumnTable(props: IColumnTable): JSX.Element {
  const { columns, rows, kinds, roles } = props;
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [filter, setFilter] = useState('');
  const latest = useRef(props);
  latest.current = props;
  // Rows that do not change are not drawn again.
  const [actions] = useState<Pick<IColumnTable, 'onKind' | 'onRole'>>({
    onKind: (column, kind) => latest.current.onKind(column, kind),
    onRole: (column, role) => latest.current.onRole(column, role)
  });
  const words = filter.trim().toLowerCase();
  const matches = words
    ? columns.filter(({ name }) => name.toLowerCase().includes(words))
    : columns;
  return (
    <div className="jp-mlws-ColumnTable">
      {columns.length >= MIN_FILTER_COLUMNS && (
        <div className="jp-mlws-ColumnTable-filter">
          <SearchField
            label={trans.__('Filter columns')}
            value={filter}
            onChange={setFilter}
          />
          <span role="status">
            {words && trans.__('%1 of %2', matches.length, columns.length)}
          </span>
        </div>
      )}
      <div className="jp-mlws-ColumnTable-scroll" ref={setScroller}>
        <div className="jp-mlws-ColumnTable-head" aria-hidden>
          <span data-mlws-cell="name">{trans.__('Column')}</span>
          <span data-mlws-cell="kind">{trans.__('Kind')}</span>
          <span data-mlws-cell="role">{trans.__('Role')}</span>
          <span data-mlws-cell="gaps">{trans.__('Missing')}</span>
          <span data-mlws-cell="distinct">{trans.__('Distinct')}</span>
          <span data-mlws-cell="bars">{trans.__('Values')}</span>
        </div>
        {scroller && (
          <LongList
            label={trans.__('Columns')}
            scroller={scroller}
            ids={matches.map(({ name }) => name)}
            onEnd={doNothing}
            row={index => {
              const column = matches[index];
              return (
                <ColumnRow
                  column={column}
                  rows={rows}
                  kind={(ownValue(kinds, column) ?? column.kind) as ColumnKind}
                  role={(ownValue(roles, column) ?? 'feature') as ColumnRole}
                  {...actions}
                />
              );
            }}
          />
        )}
      </div>
    </div>
  );
}

/** Returns the value of a column, which can be called "constructor". */
function ownValue(
  values: Readonly<Record<string, string>>,
  { name }: IColumnProfile
): string | undefined {
  return Object.prototype.hasOwnProperty.call(values, name)
    ? values[name]
    : undefined;
}

function doNothing(): void {
  // All columns are known from the start.
}

const ColumnRow = memo(
  (
    props: {
      column: IColumnProfile;
      rows: number;
      kind: ColumnKind;
      role: ColumnRole;
    } & Pick<IColumnTable, 'onKind' | 'onRole'>
  ): JSX.Element => {
    const { column, rows, kind, role } = props;
    const { name, gaps, distinct, bars } = column;
    const examples = column.examples.join(', ');
    const share = `${Math.ceil((gaps / rows) * 100)} %`;
    const count = distinct.toLocaleString();
    const reason =
      kind === column.kind
        ? kindReasonText(column.reason)
        : trans.__('guess: %1', columnKindText(column.kind));
    const missing = gaps > 0 ? trans.__('%1 missing', share) : '';
    const values = trans._n('%2 value', '%2 values', distinct, count);
    const facts = [reason, missing, values, examples]
      .filter(Boolean)
      .join(' · ');
    return (
      <div className={`jp-mlws-ColumnTable-row jp-mod-${role}`}>
        <span data-mlws-cell="name" title={name}>
          {name}
        </span>
        <Select
          data-mlws-cell="kind"
          aria-label={trans.__('Kind of %1', name)}
          title={reason}
          value={kind}
          options={KINDS.filter(
            one => one !== 'other' || one === column.kind || one === kind
          ).map(one => [one, columnKindText(one)])}
          onChange={next =>
            props.onKind(name, next === column.kind ? null : next)
          }
        />
        <Select
          data-mlws-cell="role"
          aria-label={trans.__('Role of %1', name)}
          value={role}
          options={ROLES.map(one => [
            one,
            columnRoleText(one),
            one === 'target' && column.task === null && role !== one
          ])}
          onChange={next => props.onRole(name, next)}
        />
        <span className="jp-mlws-ColumnTable-facts" title={facts}>
          {reason && <span data-mlws-cell="reason">{reason}</span>}
          {gaps > 0 && <Fact cell="gaps" short={share} long={missing} />}
          <Fact cell="distinct" short={count} long={values} />
          {examples && <span data-mlws-cell="examples">{examples}</span>}
        </span>
        <svg
          data-mlws-cell="bars"
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          width={WIDTH}
          height={HEIGHT}
          aria-hidden
        >
          {bars.map((rowsOfBar, index) => {
            const height = ((HEIGHT - 1) * rowsOfBar) / Math.max(1, ...bars);
            return (
              <rect
                key={index}
                x={(WIDTH / BARS) * index}
                y={HEIGHT - height}
                width={WIDTH / BARS - 1}
                height={height}
              />
            );
          })}
        </svg>
      </div>
    );
  }
);

/** Number; in a narrow table, which has no header, with a label. */
function Fact(props: {
  cell: string;
  short: string;
  long: string;
}): JSX.Element {
  return (
    <span data-mlws-cell={props.cell}>
      <span className="jp-mlws-ColumnTable-short">{props.short}</span>
      <span className="jp-mlws-ColumnTable-long">{props.long}</span>
    </span>
  );
}
