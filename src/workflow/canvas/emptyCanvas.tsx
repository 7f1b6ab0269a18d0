import { Button } from '@jupyterlab/ui-components';

import { trans } from '../../ui/locale';
import { TABLE_FILE } from '../graph/sources';
import { useCanvas } from '../context';
import { useCatalog } from '../hooks';

/** Buttons for the first node of a workflow: a table, a template or a component. */
export function EmptyCanvas(props: { onAdd: () => void }): JSX.Element {
  const { chooseFile, openTable, openTemplates } = useCanvas();
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
                  path => path !== null && openTable(path)
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
