import { Empty } from '../../ui/controls';
import { cellText, fullTime } from '../../ui/format';
import type { IRunComparison, IRunSummary } from '../../api/models';
import { useReply, type IReply } from '../replies';
import { useCanvas } from '../context';
import { useCurrentRun } from '../hooks';
import { trophyIcon } from '../operationIcons';
import { FINAL } from '../store/run';
import {
  certaintyTexts,
  intervalText,
  metricLabel,
  rivalsOf
} from '../certainty';
import {
  bestModel,
  deltaText,
  metricMatrix,
  metricText,
  type IMatrixCell
} from './matrix';
import { trans } from '../../ui/locale';
import { environmentTexts } from './environments';

/** Metrics of the shown run, with changes since the previous run. */
export function MetricsView(): JSX.Element {
  const { run, data, error } = useRunComparison();
  if (!run) {
    return <Empty>{trans.__('Run the workflow to see its metrics.')}</Empty>;
  }
  return (
    <div className="jp-mlws-Metrics">
      {error && <Empty>{error}</Empty>}
      {data && (
        <div>
          <BestModel comparison={data} />
          <MetricMatrix comparison={data} />
        </div>
      )}
      {data && <SettingChanges comparison={data} />}
    </div>
  );
}

/** Comparison of the shown run with the previous run. */
export function useRunComparison(): IReply<IRunComparison> & {
  run: IRunSummary | null;
} {
  const { run } = useCurrentRun();
  const isOver = run !== null && FINAL.has(run.status);
  const reply = useReply(
    run !== null ? service => service.reader.compare(run.id) : null,
    [run?.id, isOver]
  );
  return { run, ...reply };
}

/** Changes of the shown run since the previous run. */
export function RunChanges(): JSX.Element | null {
  const { data } = useRunComparison();
  return data && <SettingChanges comparison={data} />;
}

/** Name and metric of the best model. */
export function BestModel({
  comparison
}: {
  comparison: IRunComparison;
}): JSX.Element | null {
  const { model } = useCanvas();
  const { metrics } = comparison;
  const titleOf = (name: string): string => model.drawing.titleOf(name);
  const best = bestModel(metricMatrix(metrics));
  if (!best) {
    return null;
  }
  const title = titleOf(best.model);
  const own = metrics.find(
    one => one.node === best.node && one.model === best.model && one.rows
  );
  const rivals = rivalsOf(metrics, best.node, best.model).map(titleOf);
  return (
    <>
      <p className="jp-mlws-BestModel">
        <trophyIcon.react tag="span" className="jp-mlws-Result-best" />
        <strong>{trans.__('Best model: %1', title)}</strong>
        {metricLabel(best.metric)} {metricText(best.cell.value)}{' '}
        {intervalText(best.cell)}
        {best.cell.delta !== null && <Delta cell={best.cell} />}
      </p>
      {certaintyTexts({ ...own, model: title, rivals }).map(text => (
        <p key={text} className="jp-mlws-Doubt">
          {text}
        </p>
      ))}
    </>
  );
}

/** Change of a value since the previous run. */
function Delta({ cell }: { cell: IMatrixCell }): JSX.Element {
  const delta = cell.delta ?? 0;
  return (
    <span
      className={`jp-mlws-Delta jp-mod-${cell.isBetter ? 'better' : 'worse'}`}
      title={trans.__('Previous run: %1', metricText(cell.value - delta))}
    >
      {deltaText(delta)}
    </span>
  );
}

/** Models by metrics: the best in bold, with the change since the run before. */
export function MetricMatrix({
  comparison
}: {
  comparison: IRunComparison;
}): JSX.Element {
  const { model: canvas } = useCanvas();
  const { metrics, rows } = metricMatrix(comparison.metrics);
  if (rows.length === 0) {
    return <Empty>{trans.__('This run has no metrics.')}</Empty>;
  }
  return (
    <div className="jp-mlws-Matrix" tabIndex={0}>
      <table className="jp-mlws-Table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Model')}</th>
            {metrics.map(metric => (
              <th key={metric} scope="col">
                {metricLabel(metric)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ node, model, cells }) => (
            <tr key={`${node} ${model}`}>
              <th scope="row" title={node}>
                {canvas.drawing.titleOf(model)}
              </th>
              {cells.map((cell, index) => (
                <td key={metrics[index]} className="jp-mod-number">
                  {cell &&
                    (cell.isBest ? (
                      <strong title={trans.__('Best')}>
                        {metricText(cell.value)}
                      </strong>
                    ) : (
                      metricText(cell.value)
                    ))}
                  {cell && intervalText(cell) && (
                    <span
                      className="jp-mlws-Interval"
                      title={trans.__(
                        'With 95 % confidence between these limits'
                      )}
                    >
                      {intervalText(cell)}
                    </span>
                  )}
                  {cell && cell.delta !== null && <Delta cell={cell} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Settings and metrics, old and new, that differ from the run before. */
export function SettingChanges({
  comparison: { previous, settings, environments, metrics }
}: {
  comparison: IRunComparison;
}): JSX.Element | null {
  const { model } = useCanvas();
  if (previous === null) {
    return null;
  }
  const before = model.runs.past.find(run => run.id === previous);
  const time = before ? fullTime(before.started ?? before.created) : previous;
  const changed = metrics.flatMap(({ previous: old, value, ...metric }) =>
    old === null || value === null || old === value
      ? []
      : [{ ...metric, old, value }]
  );
  // A metric that a run lacks is not equal.
  const missing = metrics.filter(({ value }) => value === null).length;
  const added = metrics.filter(one => one.previous === null).length;
  const areSame = changed.length + missing + added === 0;
  return (
    <section className="jp-mlws-RunChanges" aria-label={trans.__('Changes')}>
      <h4>{trans.__('Changed since the run of %1', time)}</h4>
      {settings.length + environments.length === 0 && areSame && (
        <Empty>{trans.__('No setting and no metric')}</Empty>
      )}
      <ul>
        {settings.map(({ node, name, before: old, after }) => (
          <li key={`${node} ${name}`}>
            {node}.{name}: {cellText(old)} → <strong>{cellText(after)}</strong>
          </li>
        ))}
        {environmentTexts(environments).map(text => (
          <li key={text}>{text}</li>
        ))}
        {changed.map(({ node, model: owner, metric, old, value }) => (
          <li key={`${node} ${owner} ${metric}`}>
            {model.drawing.titleOf(owner)}: {metricLabel(metric)}{' '}
            {metricText(old)} → <strong>{metricText(value)}</strong>
          </li>
        ))}
        {missing > 0 && (
          <li>
            {trans._n(
              '%1 metric has no value in this run',
              '%1 metrics have no value in this run',
              missing
            )}
          </li>
        )}
        {added > 0 && (
          <li>
            {trans._n(
              '%1 metric had no value in the other run',
              '%1 metrics had no value in the other run',
              added
            )}
          </li>
        )}
        {settings.length > 0 && metrics.length > 0 && areSame && (
          <li>{trans.__('All metrics are the same')}</li>
        )}
      </ul>
    </section>
  );
}
