import { skipToken, useQuery } from '@tanstack/react-query';
import { ReactWidget } from '@jupyterlab/ui-components';
import { useRef } from 'react';

import { Empty } from '../../ui/controls';
import { setHelpPage } from '../../ui/helpLink';
import type { IOutput, IPreview, IRunComparison } from '../../api/models';
import { cellText, duration, fullTime } from '../../ui/format';
import { download } from '../../ui/download';
import { trans } from '../../ui/locale';
import { runStatusLabel } from '../../ui/runStatus';
import {
  useViewActions,
  ViewActions,
  ViewActionsContext
} from '../../ui/viewActions';
import { isRecord } from '../document/values';
import { CanvasProvider, type ICanvasContext, useCanvas } from '../context';
import { useCurrentRun } from '../hooks';
import { FINAL } from '../store/run';
import type { WorkflowService } from '../store/service';
import { intervalText, metricLabel } from '../certainty';
import { environmentTexts } from './environments';
import { deltaText, metricMatrix, metricText } from './matrix';
import { BestModel, MetricMatrix, SettingChanges } from './metricsView';
import { OutputArtifact } from './preview';
import { reportHtml, type ReportPart } from './reportHtml';

/** Types of outputs that a report shows. */
const TYPES: ReadonlySet<string> = new Set(['Figure', 'Table', 'Metrics']);

/** Report with all metrics, figures and tables of a run on one page. */
export class ReportWidget extends ReactWidget {
  constructor(private _context: ICanvasContext) {
    super();
    this.addClass('jp-mlws-Report');
    setHelpPage(this, 'reference-runs');
  }

  readonly actions = new ViewActions();

  render(): JSX.Element {
    return (
      <ViewActionsContext.Provider value={this.actions}>
        <CanvasProvider value={this._context}>
          <Report />
        </CanvasProvider>
      </ViewActionsContext.Provider>
    );
  }
}

/** Output with its content, or the reason for which it cannot be read. */
interface IReportOutput {
  node: string;
  output: IOutput;
  preview: IPreview | null;
  error: string | null;
}

interface IReport {
  comparison: IRunComparison;
  outputs: readonly IReportOutput[];
}

async function readReport(
  service: WorkflowService,
  run: string,
  nodes: readonly string[]
): Promise<IReport> {
  const comparison = await service.reader.compare(run);
  const outputs = await Promise.all(
    nodes.map(async node => {
      const items = await service.reader.outputs(run, node);
      return Promise.all(
        items
          .filter(({ type, exists }) => exists && TYPES.has(type))
          .map(async (output): Promise<IReportOutput> => {
            try {
              const preview = await service.reader.preview(
                run,
                node,
                output.port
              );
              return { node, output, preview, error: null };
            } catch (reason) {
              const error =
                reason instanceof Error ? reason.message : String(reason);
              return { node, output, preview: null, error };
            }
          })
      );
    })
  );
  // Figures come first, since tables are long.
  const all = outputs.flat();
  const isTable = (one: IReportOutput): boolean => one.output.type === 'Table';
  return {
    comparison,
    outputs: [...all.filter(one => !isTable(one)), ...all.filter(isTable)]
  };
}

function Report(): JSX.Element {
  const { model, renderers } = useCanvas();
  const { run, states } = useCurrentRun();
  const page = useRef<HTMLDivElement>(null);
  const isOver = run !== null && FINAL.has(run.status);
  const id = run?.id;
  const { service } = model.server;
  const { data: report = null, error } = useQuery({
    queryKey: ['report', service?.path, service?.project, id, run?.ended],
    queryFn:
      service && id !== undefined && isOver
        ? () => readReport(service, id, [...states.keys()])
        : skipToken,
    gcTime: 0
  });

  const title = model.document.workflow.title || trans.__('Workflow');
  const summary = run
    ? [
        fullTime(run.started ?? run.created),
        runStatusLabel(run.status),
        ...(run.duration === null ? [] : [duration(run.duration)])
      ].join(' · ')
    : '';
  useViewActions({
    export: isOver &&
      report !== null && {
        label: trans.__('Export as HTML'),
        execute: () => {
          const parts = [
            { kind: 'text', text: summary } as const,
            ...reportParts(report, page.current!, {
              metrics: trans.__('Metrics'),
              model: trans.__('Model'),
              changes: trans.__('Changed since the previous run'),
              titleOf: name => model.drawing.titleOf(name),
              labelOf: metric => metricLabel(metric)
            })
          ];
          const html = reportHtml(title, parts);
          download(new Blob([html], { type: 'text/html' }), `${title}.html`);
        }
      }
  });
  if (!run || !isOver) {
    return (
      <Empty>
        {run
          ? trans.__('The report appears when the run is over.')
          : trans.__('Run the workflow to see its report.')}
      </Empty>
    );
  }
  return (
    <article className="jp-mlws-Report-page" ref={page} aria-label={title}>
      <header>
        <div>
          <h1>{title}</h1>
          <p className="jp-mlws-Preview-shape">{summary}</p>
        </div>
      </header>
      {error && <Empty>{error.message}</Empty>}
      {!report && !error && <p>{trans.__('Loading…')}</p>}
      {report && (
        <>
          <section>
            <h2>{trans.__('Metrics')}</h2>
            <BestModel comparison={report.comparison} />
            <MetricMatrix comparison={report.comparison} />
            <SettingChanges comparison={report.comparison} />
          </section>
          {report.outputs
            .filter(one => one.output.type !== 'Metrics' || isChart(one))
            .map(one => (
              <section
                key={`${one.node} ${one.output.port}`}
                data-mlws-report={`${one.node} ${one.output.port}`}
              >
                <h2>
                  {one.node}{' '}
                  <span className="jp-mlws-Preview-type">
                    {one.output.port}
                  </span>
                </h2>
                {one.error && <Empty>{one.error}</Empty>}
                {one.preview && (
                  <OutputArtifact
                    preview={one.preview}
                    name={one.output.port}
                    renderers={renderers}
                  />
                )}
              </section>
            ))}
        </>
      )}
    </article>
  );
}

function isChart({ preview }: IReportOutput): boolean {
  return preview?.type === 'VegaLite';
}

/** Returns the parts of a report; charts are the images rendered on the page. */
function reportParts(
  { comparison, outputs }: IReport,
  page: HTMLElement,
  words: {
    metrics: string;
    model: string;
    changes: string;
    titleOf: (model: string) => string;
    labelOf: (metric: string) => string;
  }
): ReportPart[] {
  const { metrics, rows } = metricMatrix(comparison.metrics);
  const parts: ReportPart[] = [];
  if (rows.length > 0) {
    parts.push(
      { kind: 'heading', text: words.metrics },
      {
        kind: 'table',
        columns: [words.model, ...metrics.map(words.labelOf)],
        rows: rows.map(({ model, cells }) => [
          words.titleOf(model),
          ...cells.map(cell =>
            cell
              ? [
                  metricText(cell.value),
                  intervalText(cell),
                  cell.delta === null ? '' : deltaText(cell.delta)
                ]
                  .filter(text => text !== '')
                  .join(' ')
              : ''
          )
        ]),
        bold: new Set(
          rows.flatMap(({ cells }, row) =>
            cells.flatMap((cell, column) =>
              cell?.isBest ? [`${row} ${column + 1}`] : []
            )
          )
        )
      }
    );
  }
  const changes = [
    ...comparison.settings.map(
      ({ node, name, before, after }) =>
        `${node}.${name}: ${cellText(before)} → ${cellText(after)}`
    ),
    ...environmentTexts(comparison.environments)
  ];
  if (changes.length > 0) {
    parts.push(
      { kind: 'heading', text: words.changes },
      { kind: 'list', items: changes }
    );
  }
  for (const { node, output, preview, error } of outputs) {
    const name = `${node} · ${output.port}`;
    const heading: ReportPart = { kind: 'heading', text: name };
    if (error !== null) {
      parts.push(heading, { kind: 'text', text: error });
    } else if (preview?.type === 'Figure') {
      const source = `data:${preview.mime};base64,${preview.data}`;
      parts.push(heading, { kind: 'image', name, source });
    } else if (preview?.type === 'VegaLite') {
      const key = CSS.escape(`${node} ${output.port}`);
      const source = imageOf(page.querySelector(`[data-mlws-report="${key}"]`));
      parts.push(
        heading,
        source === null
          ? { kind: 'code', text: JSON.stringify(preview.spec, null, 2) }
          : { kind: 'image', name, source }
      );
    } else if (preview?.type === 'Table') {
      parts.push(heading, {
        kind: 'table',
        columns: preview.columns.map(column => column.name),
        rows: preview.rows.map(row => row.map(cellText))
      });
    } else if (isRecord(preview) && preview.type === 'Text') {
      parts.push(heading, { kind: 'code', text: String(preview.text) });
    }
  }
  return parts;
}

/** Returns a rendered chart as a data URL; null if it is not rendered. */
function imageOf(section: Element | null): string | null {
  const canvas = section?.querySelector('canvas');
  if (canvas) {
    return canvas.toDataURL('image/png');
  }
  const svg = section?.querySelector('.jp-mlws-Preview-chart svg');
  if (svg) {
    const text = new XMLSerializer().serializeToString(svg);
    return `data:image/svg+xml,${encodeURIComponent(text)}`;
  }
  return null;
}
