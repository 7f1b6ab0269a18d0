import type { IThemeManager } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { HTMLSelect } from '@jupyterlab/ui-components';
import { useMemo, useState } from 'react';
import type { MLWSClient } from '../api/client';
import { Hint } from '../ui/controls';
import { ServerView } from '../ui/server';
import { Chart, useColours } from './chart';
import { scatterSpec } from './charts';
import { columnsOf, IColumn, valueOf } from './compare';
import { CompareTable } from './compareView';
import { CurvePanel } from './curvePanel';
import { Parallel } from './parallel';
import type { IExperimentRun } from '../api/models';
import { trans } from '../ui/locale';
import { Tabs } from '../ui/tabs';

interface ICompareProps {
  runs: readonly IExperimentRun[];
  client: MLWSClient;
  rendermime: IRenderMimeRegistry;
  themes: IThemeManager | null;
  onOpen: (run: IExperimentRun) => void;
}

const keyOf = (column: IColumn) => `${column.kind} ${column.name}`;

function ColumnSelect(props: {
  label: string;
  columns: readonly IColumn[];
  value: IColumn | null;
  none?: string;
  onChange: (column: IColumn | null) => void;
}): JSX.Element {
  const { label, columns, value, none } = props;
  return (
    <label>
      {label}{' '}
      <HTMLSelect
        value={value ? keyOf(value) : ''}
        options={[
          ...(none === undefined ? [] : [{ value: '', label: none }]),
          ...columns.map(one => ({ value: keyOf(one), label: one.name }))
        ]}
        onChange={event =>
          props.onChange(
            columns.find(one => keyOf(one) === event.target.value) ?? null
          )
        }
      />
    </label>
  );
}

/** Scatter plot of two columns. */
function Scatter(props: ICompareProps): JSX.Element {
  const { runs, rendermime } = props;
  const colours = useColours(props.themes);
  const columns = useMemo(() => columnsOf(runs), [runs]);
  const metrics = columns.filter(one => one.kind === 'metric');
  const params = columns.filter(one => one.kind === 'param');
  const isWhole = (column: IColumn) =>
    runs.every(run => valueOf(run, column) !== undefined);
  const [x, setX] = useState<IColumn | null>(
    params.find(isWhole) ?? params[0] ?? metrics[1] ?? null
  );
  const [y, setY] = useState<IColumn | null>(metrics[0] ?? null);
  const [colour, setColour] = useState<IColumn | null>(null);
  return (
    <>
      <div className="jp-mlws-Tools">
        <ColumnSelect
          label={trans.__('X axis')}
          columns={columns}
          value={x}
          onChange={setX}
        />
        <ColumnSelect
          label={trans.__('Y axis')}
          columns={columns}
          value={y}
          onChange={setY}
        />
        <ColumnSelect
          label={trans.__('Color by')}
          columns={columns}
          value={colour}
          none={trans.__('Run')}
          onChange={setColour}
        />
      </div>
      {x && y ? (
        <Chart
          spec={scatterSpec(runs, x, y, colour, colours)}
          label={trans.__('%1 vs. %2', y.name, x.name)}
          rendermime={rendermime}
        />
      ) : (
        <Hint>
          {trans.__('These runs have no values to plot against each other.')}
        </Hint>
      )}
    </>
  );
}

type Tab = 'table' | 'parallel' | 'scatter' | 'curves';
/** More runs are first shown as lines, not as rows. */
const MAX_TABLE_RUNS = 50;
/** Runs whose curves are overlaid. */
const MAX_CURVES = 20;

/** Runs compared: as a table and as charts. */
function Comparison(props: ICompareProps): JSX.Element {
  const { runs } = props;
  const [tab, setTab] = useState<Tab>(
    runs.length > MAX_TABLE_RUNS ? 'parallel' : 'table'
  );
  const overlaid = useMemo(() => runs.slice(0, MAX_CURVES), [runs]);
  const labels: Record<Tab, string> = {
    table: trans.__('Table'),
    parallel: trans.__('Parallel coordinates'),
    scatter: trans.__('Scatter'),
    curves: trans.__('Curves')
  };
  return (
    <>
      <Tabs
        className="jp-mlws-PageTabs"
        label={trans.__('Comparison view')}
        tabs={Object.entries(labels) as [Tab, string][]}
        tab={tab}
        onChange={setTab}
      />
      <div role="tabpanel" aria-label={labels[tab]}>
        {tab === 'table' && <CompareTable runs={runs} />}
        {tab === 'parallel' && <Parallel {...props} />}
        {tab === 'scatter' && <Scatter {...props} />}
        {tab === 'curves' && runs.length > MAX_CURVES && (
          <Hint>
            {trans.__('The first %1 of %2 runs.', MAX_CURVES, runs.length)}
          </Hint>
        )}
        {tab === 'curves' && (
          <CurvePanel
            {...props}
            runs={overlaid}
            metrics={columnsOf(runs)
              .filter(one => one.kind === 'metric')
              .map(one => one.name)}
          />
        )}
      </div>
    </>
  );
}

/** The comparison of runs in the main area. */
export function runComparisonView(props: ICompareProps): ServerView {
  const { client, runs } = props;
  return new ServerView(client, () => <Comparison {...props} />, {
    label: trans.__('Compare %1 Runs', runs.length),
    className: 'jp-mlws-View jp-mlws-Compare',
    help: 'how-to-compare-runs'
  });
}
