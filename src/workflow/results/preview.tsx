import type { INotebookContent } from '@jupyterlab/nbformat';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { useMemo, useRef } from 'react';
import { Button, Empty } from '../../ui/controls';
import { cellText } from '../../ui/format';
import { DataTable } from '../../ui/table/dataTable';
import { TablePreview } from '../../ui/table/tablePreview';
import type { ITableSource } from '../../ui/table/rowPages';
import type { IOutput, IPreview } from '../../api/models';
import { isRecord } from '../document/values';
import { useReply } from '../replies';
import { useCanvas } from '../context';
import { usePanes } from '../hooks';
import { FINAL } from '../store/run';
import { NotebookPreview } from './notebookView';
import { PreparationTable } from './preparation';
import { trans } from '../../ui/locale';
import { useMime } from '../../ui/useMime';

/** Previews of a node's outputs, by type. */
export function PreviewView(props: {
  node: string;
  status: string | undefined;
}): JSX.Element {
  const { model, openFile, past } = useCanvas();
  const { node, status } = props;
  // A node that was added since is not in the run.
  const run =
    status === undefined ? null : (model.runs.current.run?.id ?? null);
  const isOver = status === undefined || FINAL.has(status);
  const { data: outputs, error } = useReply(
    run !== null && isOver
      ? service => service.reader.outputs(run, node)
      : null,
    [run, node, isOver]
  );
  if (run === null) {
    return (
      <div className="jp-mlws-Preview">
        <Empty>{trans.__("Run the workflow to see this node's output.")}</Empty>
      </div>
    );
  }
  return (
    <div className="jp-mlws-Preview">
      {error && <Empty>{error}</Empty>}
      {outputs?.length === 0 && <Empty>{trans.__('No outputs')}</Empty>}
      {outputs?.map(output => (
        <section
          key={output.port}
          aria-label={output.port}
          data-mlws-preview={output.port}
        >
          <h4>
            {output.port}{' '}
            <span className="jp-mlws-Preview-type">{output.type}</span>
            {output.exists && !past && (
              <Button
                minimal
                title={output.path}
                onClick={() => openFile(output.path)}
              >
                {trans.__('Open')}
              </Button>
            )}
          </h4>
          {output.exists ? (
            <OutputPreview
              run={run}
              node={node}
              output={output}
              status={status}
            />
          ) : (
            <Empty>
              {output.md5 === null
                ? trans.__('This run did not create %1.', output.path)
                : trans.__(
                    'The content that this run gave to %1 is not in the cache any more.',
                    output.path
                  )}
            </Empty>
          )}
        </section>
      ))}
    </div>
  );
}

function OutputPreview(props: {
  run: string;
  node: string;
  output: IOutput;
  status: string | undefined;
}): JSX.Element {
  const { model, renderers } = useCanvas();
  const panes = usePanes();
  const { run, node, output, status } = props;
  const { port } = output;
  const source = useMemo((): ITableSource => {
    const { service } = model.server;
    return {
      page: request => service!.reader.table(run, node, port, request),
      statistics: column => service!.reader.statistics(run, node, port, column)
    };
  }, [model, run, node, port]);
  const { data: preview, error } = useReply(
    service => service.reader.preview(run, node, output.port),
    [run, node, output.port, output.md5, status]
  );
  if (error) {
    return <Empty>{error}</Empty>;
  }
  // A table for which the workflow defines a plot is a chart.
  return preview?.type === 'Table' ? (
    <DataTable
      source={source}
      row={panes.rowOf(node, port)}
      version={output.md5 ?? status ?? ''}
      truncatedText={trans.__(
        'Only the beginning of this large CSV file is shown. Save it as Parquet to see all of it.'
      )}
    />
  ) : preview ? (
    <Artifact preview={preview} name={output.port} renderers={renderers} />
  ) : (
    <p>{trans.__('Loading…')}</p>
  );
}

/** An output, each in the manner of its type. */
export function Artifact({
  preview,
  name,
  renderers
}: {
  preview: IPreview;
  name: string;
  renderers: IRenderMimeRegistry;
}): JSX.Element {
  switch (preview.type) {
    case 'Table':
      return <TablePreview {...preview} />;
    case 'Metrics':
      return <MetricsPreview metrics={preview.metrics} />;
    case 'VegaLite':
      return (
        <ChartPreview
          mime={preview.mime}
          spec={preview.spec as ReadonlyPartialJSONObject}
          name={name}
          renderers={renderers}
        />
      );
    case 'Figure':
      return (
        <FigurePreview
          name={name}
          source={`data:${preview.mime};base64,${preview.data}`}
        />
      );
    case 'Notebook':
      return (
        <NotebookPreview
          name={name}
          notebook={preview.notebook as INotebookContent}
        />
      );
    case 'Model':
      return (
        <>
          {preview.preparation && (
            <PreparationTable columns={preview.preparation} />
          )}
          <TextPreview {...preview} />
        </>
      );
    case 'Text':
      return <TextPreview {...preview} />;
  }
}

/** A figure; a click shows it in its full size. */
function FigurePreview(props: { name: string; source: string }): JSX.Element {
  const { name, source } = props;
  const full = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button
        className="jp-mlws-Preview-zoom"
        title={trans.__('Show in full size')}
        onClick={() => full.current?.showModal()}
      >
        <img className="jp-mlws-Preview-figure" alt={name} src={source} />
      </button>
      <dialog
        className="jp-mlws-FullSize"
        aria-label={name}
        ref={full}
        onClick={() => full.current?.close()}
      >
        <img alt={name} src={source} />
      </dialog>
    </>
  );
}

/** The menu that the renderer adds has an icon without a name. */
const METADATA = { embed_options: { actions: false } };

/** Vega-Lite chart by JupyterLab's renderer of that version; its source if there is none. */
function ChartPreview(props: {
  mime: string;
  spec: ReadonlyPartialJSONObject;
  name: string;
  renderers: IRenderMimeRegistry;
}): JSX.Element {
  const { mime, spec, name, renderers } = props;
  const { host, isKnown, error } = useMime(renderers, mime, spec, METADATA);
  return isKnown ? (
    <>
      {error && <Empty>{error}</Empty>}
      <div
        className="jp-mlws-Preview-chart jp-mlws-Preview-scroll"
        role="group"
        tabIndex={0}
        aria-label={name}
        ref={host}
      />
    </>
  ) : (
    <TextPreview text={JSON.stringify(spec, null, 2)} />
  );
}

/** Nested metrics by their dotted names. */
function flatten(
  metrics: Record<string, unknown>,
  prefix = ''
): [string, unknown][] {
  return Object.entries(metrics).flatMap(([key, value]): [string, unknown][] =>
    isRecord(value)
      ? flatten(value, `${prefix}${key}.`)
      : [[prefix + key, value]]
  );
}

function MetricsPreview({
  metrics
}: {
  metrics: Record<string, unknown>;
}): JSX.Element {
  return (
    <table className="jp-mlws-Table jp-mod-metrics">
      <tbody>
        {flatten(metrics).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className={typeof value === 'number' ? 'jp-mod-number' : ''}>
              {cellText(value)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function TextPreview({
  text,
  truncated
}: {
  text: string;
  truncated?: boolean;
}): JSX.Element {
  return (
    <>
      <pre className="jp-mlws-Preview-text" tabIndex={0}>
        {text}
      </pre>
      {truncated && (
        <p className="jp-mlws-Preview-shape">{trans.__('Preview truncated')}</p>
      )}
    </>
  );
}
