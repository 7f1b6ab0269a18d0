import { Empty } from '../../ui/controls';
import { duration, fullTime, relativeTime } from '../../ui/format';
import type { IRunSummary } from '../../api/models';
import { trans } from '../../ui/locale';
import { useCanvas } from '../context';
import { useCurrentRun, useRuns } from '../hooks';
import { FINAL } from '../store/run';
import { runStatusLabel } from '../../ui/runStatus';

/** The newest runs, at most `most` of them. */
export function RunList({ most }: { most?: number }): JSX.Element {
  const { past } = useRuns();
  return past.length === 0 ? (
    <Empty>{trans.__('No runs yet.')}</Empty>
  ) : (
    <ul className="jp-mlws-Runs">
      {past.slice(0, most).map(run => (
        <RunRow key={run.id} run={run} />
      ))}
    </ul>
  );
}

/** Row of a run; a click opens a finished run on a read-only canvas. */
function RunRow({ run }: { run: IRunSummary }): JSX.Element {
  const { showRun } = useCanvas();
  const isShown = useCurrentRun().run?.id === run.id;
  const when = run.started ?? run.created;
  return (
    <li>
      <button
        className="jp-mlws-RunRow"
        aria-current={isShown}
        disabled={!FINAL.has(run.status)}
        data-mlws-past-run={run.id}
        title={[
          fullTime(when),
          run.error?.message,
          trans.__('Show the workflow, settings and results of this run')
        ]
          .filter(Boolean)
          .join('\n')}
        onClick={() => showRun(run)}
      >
        <span className="jp-mlws-State" data-mlws-state={run.status}>
          {runStatusLabel(run.status)}
        </span>{' '}
        {relativeTime(when)}
        {run.duration !== null && ` · ${duration(run.duration)}`}
      </button>
    </li>
  );
}
