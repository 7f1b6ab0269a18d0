import { useMemo, useState } from 'react';

import { cellText, duration, fullTime, runName } from '../ui/format';
import type { IExperimentRun } from '../api/models';
import { trans } from '../ui/locale';
import { columnsOf, IColumn, IOrder, sortRuns, valueOf } from './compare';

function Heading(props: {
  column: IColumn;
  order: IOrder | null;
  onSort: (order: IOrder) => void;
}): JSX.Element {
  const { column, order } = props;
  const mine =
    order?.column.kind === column.kind && order.column.name === column.name;
  const sorted = !mine ? 'none' : order.descending ? 'descending' : 'ascending';
  const arrows = { none: '', ascending: ' ▲', descending: ' ▼' };
  return (
    <th
      scope="col"
      aria-sort={sorted}
      className={column.differs ? 'jp-mod-differs' : ''}
    >
      <button
        title={trans.__('Sort by %1', column.name)}
        onClick={() =>
          props.onSort({ column, descending: mine && !order.descending })
        }
      >
        {column.name}
        <span aria-hidden="true">{arrows[sorted]}</span>
      </button>
    </th>
  );
}

/** Runs as rows, their parameters and metrics as columns. */
export function CompareTable(props: {
  runs: readonly IExperimentRun[];
}): JSX.Element {
  const { runs } = props;
  const [order, setOrder] = useState<IOrder | null>(null);
  const [onlyDiffering, setOnlyDiffering] = useState(false);
  const all = useMemo(() => columnsOf(runs), [runs]);
  const columns = onlyDiffering ? all.filter(column => column.differs) : all;
  const count = (kind: IColumn['kind']) =>
    columns.filter(one => one.kind === kind).length;
  return (
    <>
      <label className="jp-mlws-Compare-option">
        <input
          type="checkbox"
          checked={onlyDiffering}
          onChange={event => setOnlyDiffering(event.target.checked)}
        />
        {trans.__('Show differences only')}
      </label>
      <table className="jp-mlws-Values jp-mlws-CompareTable">
        <thead>
          <tr>
            <th colSpan={3} scope="colgroup">
              {trans.__('Run')}
            </th>
            {count('metric') > 0 && (
              <th colSpan={count('metric')} scope="colgroup">
                {trans.__('Metrics')}
              </th>
            )}
            {count('param') > 0 && (
              <th colSpan={count('param')} scope="colgroup">
                {trans.__('Parameters')}
              </th>
            )}
          </tr>
          <tr>
            <th scope="col">{trans.__('ID')}</th>
            <th scope="col">{trans.__('Started')}</th>
            <th scope="col">{trans.__('Duration')}</th>
            {columns.map(column => (
              <Heading
                key={`${column.kind} ${column.name}`}
                column={column}
                order={order}
                onSort={setOrder}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {sortRuns(runs, order).map(run => (
            <tr key={run.run} data-mlws-run={run.run}>
              <th scope="row">
                {runName(run)} <code>{run.run}</code>
              </th>
              <td>{run.started ? fullTime(run.started) : '–'}</td>
              <td>{run.duration === null ? '–' : duration(run.duration)}</td>
              {columns.map(column => (
                <td
                  key={`${column.kind} ${column.name}`}
                  className={column.differs ? 'jp-mod-differs' : ''}
                >
                  {cellText(valueOf(run, column))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
