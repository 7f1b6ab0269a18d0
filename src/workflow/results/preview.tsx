import type { INotebookContent } from '@jupyterlab/nbformat';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useMemo } from 'react';
import { Artifact } from '../../ui/artifact';
import { Button, Empty } from '../../ui/controls';
import { DataTable } from '../../ui/table/dataTable';
import type { ITableSource } from '../../ui/table/rowPages';
import type { IOutput, IPreview } from '../../api/models';
import { useReply } from '../replies';
import { useCanvas } from '../context';
import { usePanes } from '../hooks';
import { FINAL } from '../store/run';
import { NotebookPreview } from './notebookView';
import { PreparationTable } from './preparation';
import { trans } from '../../ui/locale';

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
    <OutputArtifact
      preview={preview}
      name={output.port}
      renderers={renderers}
    />
  ) : (
    <p>{trans.__('Loading…')}</p>
  );
}

/** An output, each in the manner of its type. */
export function OutputArtifact(props: {
  preview: IPreview;
  name: string;
  renderers: IRenderMimeRegistry;
}): JSX.Element {
  const { preview, name } = props;
  switch (preview.type) {
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
          <Artifact {...props} />
        </>
      );
    default:
      return <Artifact {...props} />;
  }
}
