import { useSignal } from '../../ui/useSignal';
import { duration, fullTime, relativeTime } from '../../ui/format';
import type { IRunSummary } from '../../api/models';
import { useCanvas } from '../store/hooks';
import { runStatusLabel } from '../../ui/runStatus';

/** The newest runs, at most `most` of them. */
export function RunList({ most }: { most?: number }): JSX.Element {
  const { model, trans } = useCanvas();
  useSignal(model.control.changed);
  const { past } = model.control;
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
  const { model, trans, language } = useCanvas();
  const when = run.started ?? run.created;
  const { control } = model;
  const newest = control.newest.run?.id;
  const isShown = run.id === (control.chosen ?? newest);
  const isNewest = run.id === newest;
  return (
    <li>
      <button
        className="jp-mlws-RunRow"
        aria-pressed={isShown}
        data-mlws-past-run={run.id}
        title={[fullTime(when, language), run.error?.message]
          .filter(Boolean)
          .join('\n')}
        onClick={() => void control.show(isNewest ? null : run.id)}
      >
        <span className="jp-mlws-State" data-mlws-state={run.status}>
          {runStatusLabel(run.status, trans)}
        </span>{' '}
        {relativeTime(when, language)}
        {run.duration !== null && ` · ${duration(run.duration)}`}
      </button>
    </li>
  );
}
