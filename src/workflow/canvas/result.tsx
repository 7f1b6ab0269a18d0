import { memo, useMemo } from 'react';
import type { INodeFailure, IMeasure, INodeSummary } from '../../api/models';
import { cellText, duration, fileSize, numberText } from '../../ui/format';
import { failureLine, failureSentence } from '../failure';
import { codePath } from '../graph/code';
import type { IGraphNode } from '../graph/graph';
import { hasFigure } from '../graph/geometry';
import { labelsOf } from '../graph/sweepables';
import { faultIcon, trophyIcon } from '../operationIcons';
import { certaintyTexts, intervalText, metricLabel } from '../certainty';
import { useCanvas } from '../context';
import { useElapsed, useKeyed } from '../hooks';
import type { INodeState } from '../store/run';
import { language, trans } from '../../ui/locale';

/** Tables in the line of a result. */
const MAX_TABLES = 2;

/** Result line of a node: its newest result, its progress while it runs, or its error. */
export const ResultLine = memo(
  ({ node, state }: { node: IGraphNode; state: INodeState | undefined }) => {
    const { model } = useCanvas();
    const result = useKeyed(model.results.nodes, node.id);
    const isOver = !['RUNNING', 'FAILED'].includes(state?.status ?? '');
    return (
      <>
        <div
          className={`jp-mlws-Result${hasFigure(node) ? ' jp-mod-figure' : ''}`}
        >
          {state?.status === 'RUNNING' ? (
            <Running state={state} />
          ) : state?.status === 'FAILED' && state.error ? (
            <Failure node={node} error={state.error} />
          ) : (
            result && <Result node={node} result={result} />
          )}
        </div>
        {node.prepares && (
          <div className="jp-mlws-Preparation">
            {isOver && result && <Preparation result={result} />}
          </div>
        )}
      </>
    );
  }
);

/** Numbers of columns that a node's model encodes, fills and ignores. */
function Preparation({ result }: { result: INodeSummary }): JSX.Element | null {
  const counts = result.outputs.find(one => one.preparation)?.preparation;
  if (!counts) {
    return null;
  }
  const { encoded, imputed, ignored } = counts;
  const text = [
    encoded && trans._n('%1 encoded', '%1 encoded', encoded),
    imputed && trans._n('%1 imputed', '%1 imputed', imputed),
    ignored && trans._n('%1 ignored', '%1 ignored', ignored)
  ]
    .filter(Boolean)
    .join(' · ');
  return (
    <span
      className="jp-mlws-Result-text"
      title={trans.__('What the model does with the columns; see its preview')}
    >
      {text || trans.__('numbers as they are')}
    </span>
  );
}

function Failure(props: {
  node: IGraphNode;
  error: INodeFailure;
}): JSX.Element {
  const { node, error } = props;
  const path = codePath(node);
  const line = path === null ? null : failureLine(error, path);
  const reason = failureSentence(error);
  const sentence =
    line === null ? reason : trans.__('Line %1: %2', line, reason);
  return (
    <span className="jp-mlws-Result-error" title={sentence}>
      {sentence}
    </span>
  );
}

function Running({ state }: { state: INodeState }): JSX.Element {
  const elapsed = useElapsed(state.started, true);
  const percent =
    state.progress === null ? null : Math.round(state.progress * 100);
  return (
    <>
      <span
        className="jp-mlws-Result-bar"
        role="progressbar"
        aria-label={trans.__('Progress')}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent ?? undefined}
      >
        <span style={percent === null ? undefined : { width: `${percent}%` }} />
      </span>
      <span className="jp-mlws-Result-time">
        {percent !== null && `${percent}% · `}
        {duration(elapsed)}
      </span>
    </>
  );
}

function Result(props: {
  node: IGraphNode;
  result: INodeSummary;
}): JSX.Element | null {
  const { node, result } = props;
  const { measure, thumbnail, outputs } = result;
  if (measure) {
    return <Measure measure={measure} />;
  }
  if (thumbnail && hasFigure(node)) {
    return (
      <img
        className="jp-mlws-Result-figure"
        src={`data:${thumbnail.mime};base64,${thumbnail.data}`}
        alt={node.title}
        draggable={false}
      />
    );
  }
  const tables = outputs.filter(({ columns }) => columns !== null);
  if (tables.length > 0) {
    return (
      <span
        className="jp-mlws-Result-text"
        data-mlws-tables={Math.min(tables.length, MAX_TABLES)}
      >
        {tables.slice(0, MAX_TABLES).map(({ port, rows, columns }, index) => (
          <span key={port}>
            {index > 0 && ' · '}
            {rows?.toLocaleString(language) ?? '?'}
            <span className="jp-mlws-Result-columns"> × {columns ?? '?'}</span>
          </span>
        ))}
      </span>
    );
  }
  const size = outputs.find(output => output.size !== null)?.size;
  return size ? (
    <span className="jp-mlws-Result-text jp-mod-size">{fileSize(size)}</span>
  ) : null;
}

function Measure({ measure }: { measure: IMeasure }): JSX.Element {
  const { model: canvas } = useCanvas();
  const { metric, value, previous, best, mode, rivals } = measure;
  const titleOf = (name: string): string => canvas.drawing.titleOf(name);
  const model = measure.model === null ? null : titleOf(measure.model);
  const change = previous === null ? 0 : value - previous;
  const isBetter = mode === 'max' ? change > 0 : change < 0;
  const isWinner = best || model !== null;
  // Of a variant, such as `max_depth=2`, the value stays visible in a narrow card.
  const [setting, ...values] = model?.split('=') ?? [];
  const number = numberText(value);
  const interval = intervalText(measure);
  const texts =
    model === null
      ? []
      : certaintyTexts({ ...measure, model, rivals: rivals?.map(titleOf) });
  return (
    <>
      {isWinner && (
        <trophyIcon.react
          tag="span"
          className="jp-mlws-Result-best"
          title={trans.__('Best model')}
        />
      )}
      {model !== null && (
        <strong className="jp-mlws-Result-model">
          <span>{setting}</span>
          {values.length > 0 && <span>={values.join('=')}</span>}
        </strong>
      )}{' '}
      <span className="jp-mlws-Result-text jp-mlws-Result-metric">
        {metricLabel(metric)}
      </span>{' '}
      <strong className="jp-mlws-Result-number">{number}</strong>
      {interval && (
        <span
          className="jp-mlws-Result-interval"
          title={[
            trans.__('With 95 % confidence between these limits'),
            ...texts
          ].join('\n')}
        >
          {interval}
        </span>
      )}
      {texts.length > 0 && (
        <faultIcon.react
          tag="span"
          className="jp-mlws-Result-doubt"
          title={texts.join('\n')}
        />
      )}
      {change !== 0 && (
        <span
          className={`jp-mlws-Result-change ${isBetter ? 'jp-mod-better' : 'jp-mod-worse'}`}
          title={trans.__('%1 in the run before', numberText(previous!))}
        >
          {change > 0 ? '▲' : '▼'}
          <span className={model === null ? '' : 'jp-mlws-Result-delta'}>
            {numberText(Math.abs(change))}
          </span>
        </span>
      )}
    </>
  );
}

/** The settings that differ from the run before: a label below the card. */
export function ChangeTag({
  node: { id, settings }
}: {
  node: IGraphNode;
}): JSX.Element | null {
  const { model } = useCanvas();
  const changes = useKeyed(model.results.nodes, id)?.changes ?? [];
  const labelOf = useMemo(() => labelsOf(settings), [settings]);
  if (changes.length === 0) {
    return null;
  }
  const value = (one: unknown): string =>
    one === null || one === undefined ? trans.__('default') : cellText(one);
  const parts = changes.map(({ name, before, after }) => [
    labelOf(name),
    `${value(before)} → ${value(after)}`
  ]);
  const [[label, change]] = parts;
  const lines = parts.map(one => one.join(' '));
  return (
    <div
      className="jp-mlws-ChangeTag"
      title={[trans.__('Changed since the run before:'), ...lines].join('\n')}
    >
      <span>{label}</span> <span>{change}</span>
      {lines.length > 1 && <span>+{lines.length - 1}</span>}
    </div>
  );
}
