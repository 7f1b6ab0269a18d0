import { Button } from '@jupyterlab/ui-components';
import { useCallback, useEffect, useState } from 'react';

import { cellText, duration } from '../../ui/format';
import type { ISweep, IVariant } from '../../api/models';
import { useCanvas, useKeyed, useCurrentRun } from '../store/hooks';
import { FINAL } from '../store/run';
import { runStatusLabel } from '../../ui/runStatus';

/** The variants of a sweep, the best first; one of them can become the stage. */
export function SweepView({ node }: { node: string }): JSX.Element | null {
  const { model, trans } = useCanvas();
  const [metric, setMetric] = useState<string | undefined>(undefined);
  const { sweep, etag } = useSweep(node, metric);
  const promote = useCallback(
    async (variant: IVariant) => {
      if (model.document.file.isDirty) {
        await model.document.file.save();
      }
      await model.server.ask(
        service =>
          model.document.file.asOwn(() =>
            service.promote(node, variant.id, etag)
          ),
        () => undefined
      );
    },
    [model, node, etag]
  );
  if (!sweep) {
    return null;
  }
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
            <th scope="col">{trans.__('Variant')}</th>
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
              onPromote={() => void promote(variant)}
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
  onPromote: () => void;
}): JSX.Element {
  const { model, trans } = useCanvas();
  const { variant, metric, onPromote } = props;
  const values = Object.entries(variant.values)
    .map(([name, value]) => `${name}: ${cellText(value)}`)
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
            ? runStatusLabel(variant.status, trans)
            : '–'}
      </td>
      <td className="jp-mod-number">
        {variant.duration === null ? '–' : duration(variant.duration)}
      </td>
      <td>
        <Button
          small
          disabled={model.runs.isRunning}
          title={trans.__(
            'Replace the sweep with this variant. The previous text is kept in the trash.'
          )}
          aria-label={trans.__('Use variant %1', name)}
          onClick={onPromote}
        >
          {trans.__('Use Variant')}
        </Button>
      </td>
    </tr>
  );
}

/** The sweep as the server has it: anew when a run of it is over, or the file was written. */
function useSweep(
  node: string,
  metric: string | undefined
): { sweep: ISweep | null; etag: string } {
  const { model } = useCanvas();
  // What is behind the sweep may measure it.
  const run = useCurrentRun().run?.status;
  const [result, setResult] = useState<{ sweep: ISweep | null; etag: string }>({
    sweep: null,
    etag: ''
  });
  const status = useKeyed(model.runs.current.nodes, node)?.status;
  const isOver = status === undefined || FINAL.has(status);
  const text = model.document.file.isDirty
    ? null
    : model.document.workflow.source.text;
  useEffect(() => {
    let isGone = false;
    if (isOver && text !== null) {
      void model.server.ask(
        service => service.sweeps(metric),
        ({ items, etag }) => {
          if (!isGone) {
            const sweep = items.find(one => one.name === node) ?? null;
            setResult({ sweep, etag });
          }
        }
      );
    }
    return () => {
      isGone = true;
    };
  }, [model, node, metric, isOver, text, status, run]);
  return result;
}
