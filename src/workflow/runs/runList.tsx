import { duration, fullTime, relativeTime } from '../../ui/format';
import type { IRunSummary } from '../../api/models';
import { useCanvas, useRuns } from '../store/hooks';
import { IconButton } from '../../ui/iconButton';
import { workflowIcon } from '../icons';
import { runStatusLabel } from '../../ui/runStatus';

/** The newest runs, at most `most` of them. */
export function RunList({ most }: { most?: number }): JSX.Element {
  const { trans } = useCanvas();
  const { past } = useRuns();
  return past.length === 0 ? (
    <p className="jp-mlws-Empty">{trans.__('No runs yet.')}</p>
  ) : (
    <ul className="jp-mlws-Runs">
      {past.slice(0, most).map(run => (
        <RunRow key={run.id} run={run} />
      ))}
    </ul>
  );
}

/** A run in a list; a click lays it over the graph. */
function RunRow({ run }: { run: IRunSummary }): JSX.Element {
  const { model, trans, language, showRun } = useCanvas();
  const when = run.started ?? run.created;
  const { runs } = model;
  const newest = runs.newest.run?.id;
  const isShown = run.id === (runs.selected ?? newest);
  const isNewest = run.id === newest;
  return (
    <li className="jp-mlws-RunItem">
      <button
        className="jp-mlws-RunRow"
        aria-pressed={isShown}
        data-mlws-past-run={run.id}
        title={[fullTime(when, language), run.error?.message]
          .filter(Boolean)
          .join('\n')}
        onClick={() => void runs.show(isNewest ? null : run.id)}
      >
        <span className="jp-mlws-State" data-mlws-state={run.status}>
          {runStatusLabel(run.status, trans)}
        </span>{' '}
        {relativeTime(when, language)}
        {run.duration !== null && ` · ${duration(run.duration)}`}
      </button>
      <IconButton
        icon={workflowIcon}
        label={trans.__('Show the workflow and settings of this run')}
        of={fullTime(when, language)}
        onClick={() => showRun(run)}
      />
    </li>
  );
}
