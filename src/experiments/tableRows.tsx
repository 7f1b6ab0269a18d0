import type { CSSProperties } from 'react';

import type { IExperimentRun, IMetricSummary, IRunGroup } from '../api/models';
import { cellText, duration, fullTime, titleOf } from '../ui/format';
import { trans } from '../ui/locale';
import { runStatusText } from '../ui/runStatus';
import { MAX_GROUP_RUNS } from './groupRuns';
import { Star } from './star';
import { difference, keyOf, sortKey, type ITableColumn } from './table';

/** Height of a row in pixels; all are equally high. */
export const ROW_HEIGHT = 28;

/** Attributes of a cell that stays in view, counted from the left. */
export function stickyCell(index: number): {
  'data-mlws-sticky': number;
  style: CSSProperties;
} {
  return {
    'data-mlws-sticky': index,
    style: { left: `var(--mlws-left-${index})` }
  };
}

interface ICellsProps {
  columns: readonly ITableColumn[];
  /** Facts of the run, between the pinned columns and the others. */
  facts: JSX.Element;
  cell: (column: ITableColumn) => JSX.Element | string;
  title: (column: ITableColumn) => string;
}

/** The cells after the name; pinned ones come first. */
function Cells(props: ICellsProps): JSX.Element {
  const { columns, facts, cell, title } = props;
  const draw = (column: ITableColumn, sticky?: number) => (
    <td
      key={sortKey(column)}
      title={title(column)}
      {...(sticky === undefined ? {} : stickyCell(sticky))}
    >
      {cell(column)}
    </td>
  );
  const pinned = columns.filter(one => one.pinned);
  return (
    <>
      {pinned.map((column, index) => draw(column, index + 2))}
      {facts}
      {columns.slice(pinned.length).map(column => draw(column))}
    </>
  );
}

function valueIn(run: IExperimentRun, { kind, name }: ITableColumn): unknown {
  return (kind === 'metric' ? run.metrics : run.params)[name];
}

function RunFacts({ run }: { run: IExperimentRun }): JSX.Element {
  return (
    <>
      <td>
        {run.kind === 'commit' ? (
          <span className="jp-mlws-Badge">{trans.__('commit')}</span>
        ) : (
          <span className="jp-mlws-Status" data-mlws-status={run.status}>
            {runStatusText(run.status)}
          </span>
        )}
      </td>
      <td>{run.started ? fullTime(run.started) : '–'}</td>
      <td>{run.duration === null ? '–' : duration(run.duration)}</td>
    </>
  );
}

/** A run; beside a baseline, with what differs from it. */
export function RunRow(props: {
  run: IExperimentRun;
  index: number;
  columns: readonly ITableColumn[];
  baseline: IExperimentRun | null;
  isInGroup: boolean;
  selected: boolean;
  isReproduced: boolean;
  onSelect: () => void;
  onOpen: () => void;
  onStar: (starred: boolean) => void;
}): JSX.Element {
  const { run, index, columns, baseline, selected } = props;
  const name = titleOf(run);
  const cell = (column: ITableColumn): JSX.Element | string => {
    const value = valueIn(run, column);
    const text = cellText(value);
    if (!baseline) {
      return text;
    }
    const before = valueIn(baseline, column);
    const change = column.kind === 'metric' ? difference(value, before) : '';
    if (change) {
      return (
        <>
          {text} <span className="jp-mlws-Difference">{change}</span>
        </>
      );
    }
    const differs = String(value) !== String(before);
    return column.kind === 'param' && differs ? <b>{text}</b> : text;
  };
  return (
    <tr
      style={{ height: ROW_HEIGHT }}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-mlws-run={keyOf(run)}
    >
      <td className="jp-mlws-Table-choice" {...stickyCell(0)}>
        <input
          type="checkbox"
          data-mlws-row={index}
          aria-label={trans.__('Select %1, %2', name, run.run)}
          checked={selected}
          onChange={props.onSelect}
        />
      </td>
      <th
        scope="row"
        title={`${name}\n${run.run}`}
        className={props.isInGroup ? 'jp-mod-inGroup' : ''}
        {...stickyCell(1)}
      >
        {run.id !== null && <Star run={run} onChange={props.onStar} />}
        <button className="jp-mlws-Link" onClick={props.onOpen}>
          {name}
        </button>{' '}
        {props.isReproduced && (
          <span className="jp-mlws-Badge">{trans.__('reproduced')}</span>
        )}
      </th>
      <Cells
        columns={columns}
        facts={<RunFacts run={run} />}
        cell={cell}
        title={column => {
          const text = cellText(valueIn(run, column));
          return baseline
            ? `${text}\n${trans.__('Baseline: %1', cellText(valueIn(baseline, column)))}`
            : text;
        }}
      />
    </tr>
  );
}

/** The run that the others are compared with. */
export function BaselineRow(props: {
  run: IExperimentRun;
  columns: readonly ITableColumn[];
  onOpen: () => void;
  onUnpin: () => void;
}): JSX.Element {
  const { run, columns } = props;
  const name = titleOf(run);
  const text = (column: ITableColumn) => cellText(valueIn(run, column));
  return (
    <tr className="jp-mlws-Table-baseline" data-mlws-baseline={keyOf(run)}>
      <td className="jp-mlws-Table-choice" {...stickyCell(0)}>
        <button
          aria-label={trans.__('Unpin Baseline')}
          title={trans.__('Unpin Baseline')}
          onClick={props.onUnpin}
        >
          ×
        </button>
      </td>
      <th scope="row" title={`${name}\n${run.run}`} {...stickyCell(1)}>
        <span className="jp-mlws-Badge">{trans.__('baseline')}</span>{' '}
        <button className="jp-mlws-Link" onClick={props.onOpen}>
          {name}
        </button>
      </th>
      <Cells
        columns={columns}
        facts={<RunFacts run={run} />}
        cell={text}
        title={text}
      />
    </tr>
  );
}

/** Runs with an equal value, with the means of their metrics. */
export function GroupRow(props: {
  group: IRunGroup;
  isOpen: boolean;
  isCut: boolean;
  index: number;
  columns: readonly ITableColumn[];
  onToggle: () => void;
}): JSX.Element {
  const { group, isOpen, index, columns } = props;
  const name = group.value ?? trans.__('(none)');
  const summaryOf = ({ kind, name: key }: ITableColumn) =>
    kind === 'metric' ? group.metrics[key] : undefined;
  return (
    <tr
      style={{ height: ROW_HEIGHT }}
      className="jp-mlws-Table-group"
      aria-rowindex={index + 2}
      data-mlws-group={name}
    >
      <td className="jp-mlws-Table-choice" {...stickyCell(0)} />
      <th scope="row" title={name} {...stickyCell(1)}>
        <button
          className="jp-mlws-Link"
          aria-expanded={isOpen}
          data-mlws-row={index}
          onClick={props.onToggle}
        >
          <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {name}
        </button>{' '}
        <span className="jp-mlws-Run-fact">
          {props.isCut
            ? trans.__('%1 of %2 runs', MAX_GROUP_RUNS, group.count)
            : trans._n('%1 run', '%1 runs', group.count)}
        </span>
      </th>
      <Cells
        columns={columns}
        facts={<td colSpan={3} />}
        cell={column => {
          const summary = summaryOf(column);
          return summary ? meanText(summary) : '';
        }}
        title={column => {
          const summary = summaryOf(column);
          if (!summary) {
            return '';
          }
          const text = trans.__(
            'Mean of %1 runs: %2',
            summary.count,
            summary.mean
          );
          return summary.deviation === null
            ? text
            : `${text}\n${trans.__('Standard deviation: %1', summary.deviation)}`;
        }}
      />
    </tr>
  );
}

function meanText({ mean, deviation }: IMetricSummary): string {
  return deviation === null
    ? cellText(mean)
    : `${cellText(mean)} ± ${Number(deviation.toPrecision(2))}`;
}
