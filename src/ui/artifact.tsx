import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { useRef } from 'react';

import type { IPreview } from '../api/models';
import { Empty } from './controls';
import { cellText } from './format';
import { trans } from './locale';
import { TablePreview } from './table/tablePreview';
import { useMime } from './useMime';

/** A file in the manner of its type; of a notebook the code of its cells. */
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
      return <TextPreview text={codeOf(preview.notebook)} />;
    case 'Model':
    case 'Text':
      return <TextPreview {...preview} />;
  }
}

/** The code of a notebook's cells. */
function codeOf(notebook: unknown): string {
  const { cells } = notebook as {
    cells: { cell_type: string; source: string | string[] }[];
  };
  return cells
    .filter(cell => cell.cell_type === 'code')
    .map(({ source }) => [source].flat().join(''))
    .join('\n\n');
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
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flatten(value as Record<string, unknown>, `${prefix}${key}.`)
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

export function TextPreview({
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
