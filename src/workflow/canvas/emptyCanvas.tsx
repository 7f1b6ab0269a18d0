import { Button } from '@jupyterlab/ui-components';

import { useCanvas, useCatalog } from '../store/hooks';

const TABLE_FILE = /^[^.].*\.(csv|tsv|parquet)$/i;

/** Buttons for the first node of a workflow: a table, a template or a component. */
export function EmptyCanvas(props: {
  onAdd: () => void;
  /** The path is from the project's root. */
  onFile: (path: string) => void;
}): JSX.Element {
  const { trans, chooseFile, openTemplates } = useCanvas();
  const { components } = useCatalog();
  const hasComponents = components.size > 0;
  return (
    <div className="jp-mlws-Canvas-empty">
      <h3>{trans.__('This workflow is empty')}</h3>
      {hasComponents ? (
        <>
          <div className="jp-mlws-Canvas-starts">
            <Button
              className="jp-mod-styled jp-mod-accept"
              onClick={() =>
                void chooseFile(TABLE_FILE).then(
                  path => path && props.onFile(path)
                )
              }
            >
              {trans.__('Start from a Table…')}
            </Button>
            <Button
              className="jp-mod-styled jp-mod-reject"
              onClick={openTemplates}
            >
              {trans.__('Start from a Template…')}
            </Button>
            <Button
              className="jp-mod-styled jp-mod-reject"
              onClick={props.onAdd}
            >
              {trans.__('Add Node…')}
            </Button>
          </div>
          <p>
            {trans.__(
              'Or drop a CSV file, script or notebook here. Double-click adds a node, a drag ' +
                'from an output shows what can be connected.'
            )}
          </p>
        </>
      ) : (
        <p>{trans.__('Components appear on the left once they are loaded.')}</p>
      )}
    </div>
  );
}
