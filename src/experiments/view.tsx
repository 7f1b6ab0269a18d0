import type { MLWSClient } from '../api/client';
import type { IExperimentRun } from '../api/models';
import { Button } from '../ui/controls';
import {
  cellText,
  duration,
  fullTime,
  relativeTime,
  titleOf
} from '../ui/format';
import { Rows } from '../ui/rows';
import { runStatusText } from '../ui/runStatus';
import { Answer, ServerView, useGet } from '../ui/server';
import { toggled, useValue, type State } from '../ui/state';
import { trans } from '../ui/locale';
import { NoRuns } from './noRuns';

/** Metrics shown in the list; the table has them all. */
const MAIN_METRICS = 3;
/** The runs that the section shows. */
export const NEWEST_RUNS = { limit: 50 };

function RunRow(props: {
  run: IExperimentRun;
  selected: boolean;
  onToggle: () => void;
  onOpen: () => void;
}): JSX.Element {
  const { run, selected } = props;
  const metrics = Object.entries(run.metrics);
  const took =
    run.duration === null
      ? []
      : [trans.__('Duration: %1', duration(run.duration))];
  const values = metrics.map(([name, value]) => `${name}: ${cellText(value)}`);
  const title = [...took, ...values].join('\n');
  return (
    <li>
      <label
        className="jp-mlws-Row jp-mlws-Run"
        title={title}
        data-mlws-run={run.run}
      >
        <input
          type="checkbox"
          data-mlws-row
          checked={selected}
          onChange={props.onToggle}
        />
        <span className="jp-mlws-Run-text">
          <span className="jp-mlws-Run-head">
            <button
              className="jp-mlws-Row-name jp-mlws-Link"
              // The label around it would select the run.
              onClick={event => {
                event.preventDefault();
                props.onOpen();
              }}
            >
              {titleOf(run)}
            </button>
            {run.started && (
              <span className="jp-mlws-Run-fact" title={fullTime(run.started)}>
                {relativeTime(run.started)}
              </span>
            )}
            <span className="jp-mlws-Status" data-mlws-status={run.status}>
              {runStatusText(run.status)}
            </span>
          </span>
          <span className="jp-mlws-Counts">
            {metrics.slice(0, MAIN_METRICS).map(([name, value]) => (
              <span key={name} className="jp-mlws-Metric">
                {name} <b>{cellText(value)}</b>
              </span>
            ))}
          </span>
        </span>
      </label>
    </li>
  );
}

interface IProps {
  client: MLWSClient;
  /** Ids of the chosen runs, in the order of choice. */
  selected: State<ReadonlySet<string>>;
  onCompare: () => void;
  onOpen: (run: IExperimentRun) => void;
  onOpenTable: () => void;
}

function Runs(props: IProps): JSX.Element {
  const { client } = props;
  const answer = useGet(client, '/runs', NEWEST_RUNS);
  const selected = useValue(props.selected);
  return (
    <Answer of={answer}>
      {({ items }) => {
        const chosen = items.filter(({ run }) => selected.has(run)).length;
        return items.length === 0 ? (
          <NoRuns client={client} />
        ) : (
          <>
            <div className="jp-mlws-ButtonRow">
              <Button className="jp-mlws-OpenTable" onClick={props.onOpenTable}>
                {trans.__('Open Experiment Table')}
              </Button>
              {chosen > 1 && (
                <Button
                  className="jp-mlws-CompareButton"
                  onClick={props.onCompare}
                >
                  {trans.__('Compare %1 Runs', chosen)}
                </Button>
              )}
            </div>
            <Rows label={trans.__('Runs, newest first')}>
              {items.map(run => (
                <RunRow
                  key={run.run}
                  run={run}
                  selected={selected.has(run.run)}
                  onOpen={() => props.onOpen(run)}
                  onToggle={() =>
                    (props.selected.value = toggled(
                      props.selected.value,
                      run.run
                    ))
                  }
                />
              ))}
            </Rows>
          </>
        );
      }}
    </Answer>
  );
}

/** The newest runs; two or more of them can be compared. */
export function runsView(props: IProps): ServerView {
  return new ServerView(props.client, () => <Runs {...props} />, {
    id: 'jp-mlws-runs',
    label: trans.__('Runs'),
    className: 'jp-mlws-Section jp-mlws-Experiments',
    help: 'reference-experiments',
    paths: ['/runs']
  });
}
