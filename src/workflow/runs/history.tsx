import type { ReactNode } from 'react';

import { Button, Empty } from '../../ui/controls';
import { duration, fullTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { bars, ticks, tickText, type IBar } from './gantt';
import { useClock, useCurrentRun, useRuns } from '../hooks';
import { RunList } from './runList';
import { FINAL } from '../store/run';
import { runStatusLabel } from '../../ui/runStatus';

/** List of runs, and a Gantt chart of the selected run. */
export function HistoryPane({
  onShow,
  changes
}: {
  onShow: (node: string) => void;
  /** Changes since the previous run. */
  changes: ReactNode;
}): JSX.Element {
  const runs = useRuns();
  return (
    <section
      className="jp-mlws-History-pane"
      aria-label={trans.__('Run History')}
    >
      <div className="jp-mlws-History-runs">
        <h4>{trans.__('Run History')}</h4>
        <RunList />
        {runs.hasMore && (
          <Button onClick={() => void runs.loadMore()}>
            {trans.__('Show Older Runs')}
          </Button>
        )}
      </div>
      <div className="jp-mlws-History-run">
        {changes}
        <Gantt onShow={onShow} />
      </div>
    </section>
  );
}

const ROW_HEIGHT = 22;

/** Gantt chart of the selected run, with a bar for each node. */
function Gantt({ onShow }: { onShow: (node: string) => void }): JSX.Element {
  const { run, states } = useCurrentRun();
  const isOver = run === null || FINAL.has(run.status);
  const clock = useClock(!isOver);
  const chart = bars(states, isOver ? null : clock);
  const marks = ticks(chart.length);
  if (!run) {
    return <div className="jp-mlws-Gantt" />;
  }
  return (
    <div
      className="jp-mlws-Gantt"
      role="group"
      aria-label={trans.__('Timeline')}
    >
      <h4>
        {trans.__('Run of %1', fullTime(run.started ?? run.created))}{' '}
        <span className="jp-mlws-State" data-mlws-state={run.status}>
          {runStatusLabel(run.status)}
        </span>
        {run.duration !== null && ` · ${duration(run.duration)}`}
      </h4>
      {chart.bars.length === 0 && (
        <Empty>{trans.__('Nothing to run: all nodes were up to date.')}</Empty>
      )}
      <div className="jp-mlws-Gantt-scroll" tabIndex={0}>
        {chart.bars.length > 0 && (
          <div className="jp-mlws-Gantt-axis" aria-hidden>
            {marks.map(tick => (
              <span
                key={tick}
                style={{ left: `${(tick / chart.length) * 100}%` }}
              >
                {tickText(tick, marks[1] ?? 0)}
              </span>
            ))}
          </div>
        )}
        {chart.bars.map(bar => (
          <GanttRow
            key={bar.id}
            bar={bar}
            length={chart.length}
            onShow={onShow}
          />
        ))}
      </div>
    </div>
  );
}

function GanttRow(props: {
  bar: IBar;
  length: number;
  onShow: (node: string) => void;
}): JSX.Element {
  const { bar, length, onShow } = props;
  const text = `${bar.id}: ${runStatusLabel(bar.status)}, ${duration(bar.length)}`;
  return (
    <button
      className="jp-mlws-Gantt-row"
      data-mlws-bar={bar.id}
      style={{ height: ROW_HEIGHT }}
      title={text}
      aria-label={text}
      onClick={() => onShow(bar.id.split('@')[0])}
    >
      <span className="jp-mlws-Gantt-name">{bar.id}</span>
      <span className="jp-mlws-Gantt-track">
        <span
          className="jp-mlws-Gantt-bar"
          data-mlws-state={bar.status}
          style={{
            left: `${(bar.start / length) * 100}%`,
            width: `max(3px, ${(bar.length / length) * 100}%)`
          }}
        />
      </span>
      <span className="jp-mlws-Gantt-time">{duration(bar.length)}</span>
    </button>
  );
}
