import { useMemo, useState } from 'react';

import { cellText, duration, fullTime, titleOf } from '../ui/format';
import type { IExperimentRun } from '../api/models';
import { Button, Check } from '../ui/controls';
import { trans } from '../ui/locale';
import { GroupHeads, SortHead } from '../ui/table/heading';
import { columnsOf, IColumn, IOrder, sortRuns, valueOf } from './compare';

/** Rows that are drawn at once. */
const ROWS = 100;

/** Runs as rows, their parameters and metrics as columns. */
export function CompareTable(props: {
  runs: readonly IExperimentRun[];
}): JSX.Element {
  const { runs } = props;
  const [order, setOrder] = useState<IOrder | null>(null);
  const [onlyDiffering, setOnlyDiffering] = useState(false);
  const [limit, setLimit] = useState(ROWS);
  const all = useMemo(() => columnsOf(runs), [runs]);
  const columns = onlyDiffering ? all.filter(column => column.differs) : all;
  const count = (kind: IColumn['kind']) =>
    columns.filter(one => one.kind === kind).length;
  return (
    <>
      <Check
        className="jp-mlws-Compare-option"
        checked={onlyDiffering}
        onChange={setOnlyDiffering}
      >
        {trans.__('Show differences only')}
      </Check>
      <table className="jp-mlws-Values jp-mlws-CompareTable">
        <thead>
          <GroupHeads
            groups={[
              [trans.__('Run'), 3],
              [trans.__('Metrics'), count('metric')],
              [trans.__('Parameters'), count('param')]
            ]}
          />
          <tr>
            <th scope="col">{trans.__('ID')}</th>
            <th scope="col">{trans.__('Started')}</th>
            <th scope="col">{trans.__('Duration')}</th>
            {columns.map(column => {
              const mine =
                order?.column.kind === column.kind &&
                order.column.name === column.name
                  ? order
                  : null;
              return (
                <SortHead
                  key={`${column.kind} ${column.name}`}
                  className={column.differs ? 'jp-mod-differs' : ''}
                  name={column.name}
                  order={mine}
                  onSort={() =>
                    setOrder({ column, descending: mine?.descending === false })
                  }
                />
              );
            })}
          </tr>
        </thead>
        <tbody>
          {sortRuns(runs, order)
            .slice(0, limit)
            .map(run => (
              <tr key={run.run} data-mlws-run={run.run}>
                <th scope="row">
                  {titleOf(run)} <code>{run.run}</code>
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
      {runs.length > limit && (
        <Button onClick={() => setLimit(limit + ROWS)}>
          {trans.__('Show More (%1 of %2)', limit, runs.length)}
        </Button>
      )}
    </>
  );
}
