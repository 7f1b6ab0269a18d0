import { useMemo, useState } from 'react';

import { Button, Empty } from '../../ui/controls';
import { cellText, duration } from '../../ui/format';
import type { ISweeps, IVariant } from '../../api/models';
import { trans } from '../../ui/locale';
import type { IGraphNode } from '../graph/graph';
import { labelsOf } from '../graph/sweepables';
import { type IReply, useReply } from '../replies';
import { useCanvas } from '../context';
import { useCurrentRun, useKeyed } from '../hooks';
import { FINAL } from '../store/run';
import { runStatusLabel } from '../../ui/runStatus';

/** Variants of a sweep, the best first, with a button that makes a variant the stage. */
export function SweepView({
  node: { id: node, settings: schema }
}: {
  node: IGraphNode;
}): JSX.Element | null {
  const { model } = useCanvas();
  const [metric, setMetric] = useState<string | undefined>(undefined);
  const { data, error } = useSweeps(node, metric);
  const labelOf = useMemo(() => labelsOf(schema), [schema]);
  const sweep = data?.items.find(one => one.name === node);
  if (!data || !sweep) {
    return error === null ? null : <Empty>{error}</Empty>;
  }
  const promote = async (variant: string): Promise<void> => {
    const { file } = model.document;
    if (file.isDirty) {
      await file.save();
    }
    await model.server.ask(service =>
      file.asOwn(() => service.promote(node, variant, data.etag))
    );
  };
  // A variant of a single setting is named by its value.
  const settings = Object.keys(sweep.variants[0]?.values ?? {}).filter(
    name => name !== 'item'
  );
  return (
    <section aria-label={trans.__('Variants')} className="jp-mlws-Sweep">
      <h4>{trans.__('Variants')}</h4>
      {sweep.metrics.length > 1 && (
        <div className="jp-mlws-Field">
          <label>
            {trans.__('Rank by')}{' '}
            <select
              className="jp-mod-styled"
              value={sweep.metric ?? ''}
              onChange={event => setMetric(event.target.value)}
            >
              {sweep.metrics.map(name => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        </div>
      )}
      <table className="jp-mlws-Table">
        <thead>
          <tr>
            <th scope="col">
              {settings.length === 1
                ? labelOf(settings[0])
                : trans.__('Variant')}
            </th>
            <th scope="col">{sweep.metric ?? trans.__('Status')}</th>
            <th scope="col">{trans.__('Duration')}</th>
            <th>
              <span className="jp-mlws-Announcer">
                {trans.__('Use Variant')}
              </span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sweep.variants.map(variant => (
            <VariantRow
              key={variant.id}
              variant={variant}
              metric={sweep.metric}
              labelOf={labelOf}
              onPromote={() => void promote(variant.id)}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function VariantRow(props: {
  variant: IVariant;
  metric: string | null;
  /** The name of a setting in the form. */
  labelOf: (name: string) => string;
  onPromote: () => void;
}): JSX.Element {
  const { model } = useCanvas();
  const { variant, metric, labelOf, onPromote } = props;
  const values = Object.entries(variant.values)
    .map(([name, value]) => `${labelOf(name)}: ${cellText(value)}`)
    .join('\n');
  const measured = metric === null ? undefined : variant.metrics[metric];
  const name = variant.id.split('@')[1] ?? variant.id;
  return (
    <tr
      className={variant.best ? 'jp-mod-best' : ''}
      data-mlws-variant={variant.id}
    >
      <th scope="row" title={values}>
        {variant.best && <span title={trans.__('Best')}>★ </span>}
        {name}
      </th>
      <td className={measured === undefined ? '' : 'jp-mod-number'}>
        {measured !== undefined
          ? cellText(measured)
          : variant.status
            ? runStatusLabel(variant.status)
            : '–'}
      </td>
      <td className="jp-mod-number">
        {variant.duration === null ? '–' : duration(variant.duration)}
      </td>
      <td>
        <Button
          disabled={model.runs.isRunning}
          title={trans.__(
            'Replace the sweep with this variant. The previous text is kept in the trash.'
          )}
          aria-label={trans.__('Use variant %1', name)}
          onClick={onPromote}
        >
          {trans.__('Use')}
        </Button>
      </td>
    </tr>
  );
}

/** The sweeps as the server has them, read again after each run and each save. */
function useSweeps(node: string, metric: string | undefined): IReply<ISweeps> {
  const { model } = useCanvas();
  // Downstream nodes may compute its metrics.
  const run = useCurrentRun().run?.status;
  const status = useKeyed(model.runs.current.nodes, node)?.status;
  const isOver = status === undefined || FINAL.has(status);
  const text = model.document.file.isDirty
    ? null
    : model.document.workflow.source.text;
  return useReply(
    isOver && text !== null ? service => service.sweeps(metric) : null,
    [metric, isOver, text, status, run]
  );
}
