import { Button, Empty } from '../../ui/controls';
import { fileSize } from '../../ui/format';
import { trans } from '../../ui/locale';
import { basename } from '../document/paths';
import { portText } from '../labels';
import { useCanvas } from '../context';
import { useCatalog, useDrawing } from '../hooks';

/** Description of data, with its readers. */
export function SourcePanel({ id }: { id: string }): JSX.Element | null {
  const { openFile, showData } = useCanvas();
  const { datasets } = useCatalog();
  const source = useDrawing().source(id);
  if (!source) {
    return null;
  }
  const { path, readers } = source;
  const dataset = datasets.get(path);
  return (
    <div className="jp-mlws-Panel-body">
      <h3>{basename(path)}</h3>
      <p className="jp-mlws-Settings-kind">
        {dataset ? trans.__('Dataset') : trans.__('File')}
      </p>
      <p>{path}</p>
      {dataset && (
        <dl className="jp-mlws-Source-facts">
          {dataset.size !== null && (
            <>
              <dt>{trans.__('Size')}</dt>
              <dd>{fileSize(dataset.size)}</dd>
            </>
          )}
          {dataset.md5 !== null && (
            <>
              <dt>{trans.__('Version')}</dt>
              <dd>{dataset.md5.slice(0, 12)}</dd>
            </>
          )}
        </dl>
      )}
      <div className="jp-mlws-Field-item">
        <Button onClick={() => openFile(path)}>{trans.__('Open')}</Button>
        <Button onClick={() => showData(path, dataset === undefined)}>
          {dataset ? trans.__('Show Versions') : trans.__('Track with DVC')}
        </Button>
      </div>
      <h4>{trans.__('Used by')}</h4>
      {readers.length === 0 ? (
        <Empty>{trans.__('Not used yet. Connect it to an input.')}</Empty>
      ) : (
        <ul className="jp-mlws-Paths">
          {readers.map(({ node, port }) => (
            <li key={`${node}:${port}`}>
              {node}: {portText(port)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
