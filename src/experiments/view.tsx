import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { cellText, duration, fullTime, relativeTime } from '../ui/format';
import { LiveView } from '../ui/liveView';
import type { IExperimentRun } from '../api/models';
import { Rows } from '../ui/rows';
import { runStatusWord } from '../ui/runStatus';
import { runName } from './compare';
import type { ExperimentsModel } from './model';

/** Metrics shown in the list; the table has them all. */
const MAIN_METRICS = 3;

function RunRow(props: {
  run: IExperimentRun;
  selected: boolean;
  language: string;
  trans: TranslationBundle;
  onToggle: () => void;
}): JSX.Element {
  const { run, selected, language, trans } = props;
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
            <span className="jp-mlws-Row-name">{runName(run)}</span>
            {run.started && (
              <span
                className="jp-mlws-Run-fact"
                title={fullTime(run.started, language)}
              >
                {relativeTime(run.started, language)}
              </span>
            )}
            <span className="jp-mlws-Status" data-mlws-status={run.status}>
              {runStatusWord(run.status, trans)}
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

/** The newest runs; two or more of them can be compared. */
export class ExperimentsView extends LiveView<ExperimentsModel> {
  constructor(
    model: ExperimentsModel,
    private _compare: () => void,
    private _openTable: () => void,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.id = 'jp-mlws-runs';
    this.title.label = trans.__('Runs');
    this.addClass('jp-mlws-Section');
    this.addClass('jp-mlws-Experiments');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    if (model.items.length === 0) {
      return (
        <p className="jp-mlws-Hint">
          {trans.__(
            'No runs yet. Run a workflow to see and compare its parameters and metrics here.'
          )}
        </p>
      );
    }
    const chosen = model.selected.length;
    return (
      <>
        <button
          className="jp-mlws-CompareButton jp-mod-styled"
          disabled={chosen < 2}
          onClick={this._compare}
        >
          {chosen < 2
            ? trans.__('Compare (select two)')
            : trans.__('Compare %1 Runs', chosen)}
        </button>
        <Button
          small={true}
          className="jp-mlws-OpenTable"
          onClick={this._openTable}
        >
          {trans.__('Open Experiment Table')}
        </Button>
        <Rows label={trans.__('Runs, newest first')}>
          {model.items.map(run => (
            <RunRow
              key={run.run}
              run={run}
              selected={model.selected.includes(run.run)}
              language={this._language}
              trans={trans}
              onToggle={() => model.toggle(run.run)}
            />
          ))}
        </Rows>
      </>
    );
  }
}
