import type { IThemeManager } from '@jupyterlab/apputils';
import { useState } from 'react';

import type { MLWSClient } from '../api/client';
import type { IExperimentRun } from '../api/models';
import { Check, Hint, LabelledSelect, SearchField } from '../ui/controls';
import { trans } from '../ui/locale';
import { useColours } from './chart';
import { CurveChart } from './curveChart';
import { groupsOf, type Axis, type ICurveOptions } from './curveData';

/** Charts of all metrics of some runs, grouped by the beginnings of their names. */
export function CurvePanel(props: {
  client: MLWSClient;
  runs: readonly IExperimentRun[];
  /** Metrics with more than one value. */
  metrics: readonly string[];
  themes: IThemeManager | null;
  /** The horizontal axis at first. */
  axis?: Axis;
}): JSX.Element {
  const { client, runs, metrics } = props;
  const colours = useColours(props.themes);
  const [text, setText] = useState('');
  const [options, setOptions] = useState<ICurveOptions>({
    axis: props.axis ?? 'step',
    smoothing: 0,
    isLogarithmic: false,
    showsOutliers: true
  });
  const set = (change: Partial<ICurveOptions>) =>
    setOptions({ ...options, ...change });
  const matches = metrics.filter(name =>
    name.toLowerCase().includes(text.toLowerCase())
  );
  if (metrics.length === 0) {
    return (
      <Hint>
        {trans.__(
          'Logged once per run. Log it with a step (mlflow.log_metric(…, step=…)) to see a curve.'
        )}
      </Hint>
    );
  }
  return (
    <div className="jp-mlws-CurvePanel">
      <div className="jp-mlws-Tools" role="group">
        <SearchField
          label={trans.__('Filter metrics')}
          value={text}
          onChange={setText}
        />
        <LabelledSelect<Axis>
          label={trans.__('Horizontal')}
          value={options.axis}
          options={[
            ['step', trans.__('Step')],
            ['relative', trans.__('Duration')],
            ['time', trans.__('Time')]
          ]}
          onChange={axis => set({ axis })}
        />
        <label className="jp-mlws-Check">
          {trans.__('Smoothing')}
          <input
            type="range"
            min="0"
            max="0.99"
            step="0.01"
            value={options.smoothing}
            onChange={event => set({ smoothing: Number(event.target.value) })}
          />
          <output>{options.smoothing.toFixed(2)}</output>
        </label>
        <Check
          className="jp-mlws-Check"
          checked={options.isLogarithmic}
          onChange={isLogarithmic => set({ isLogarithmic })}
        >
          {trans.__('Logarithmic')}
        </Check>
        <Check
          className="jp-mlws-Check"
          checked={options.showsOutliers}
          onChange={showsOutliers => set({ showsOutliers })}
        >
          {trans.__('Outliers')}
        </Check>
      </div>
      {matches.length === 0 && (
        <Hint>{trans.__('No metric has this in its name.')}</Hint>
      )}
      {groupsOf(matches).map(([prefix, names]) => (
        <details key={prefix} open>
          <summary>
            {prefix === '' ? trans.__('Metrics') : prefix} ({names.length})
          </summary>
          <div className="jp-mlws-Curves">
            {names.map(metric => (
              <CurveChart
                key={metric}
                client={client}
                runs={runs}
                metric={metric}
                options={options}
                colours={colours}
              />
            ))}
          </div>
        </details>
      ))}
    </div>
  );
}
