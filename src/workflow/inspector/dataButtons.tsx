import { useId, useState } from 'react';

import { APIError } from '../../api/client';
import type { ITablePreview } from '../../api/models';
import { Button } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { trans } from '../../ui/locale';
import { TablePreview } from '../../ui/table/tablePreview';
import { changeSettings, settingsOf } from '../document/settings';
import type { IGraphNode } from '../graph/graph';
import type { ColumnService } from '../store/columns';
import { useCanvas } from '../context';
import { useKeyed } from '../hooks';
import { canShowPreparation, showPreparation } from '../store/preparation';

/** A button that reads the data of a node. */
function DataButton(props: {
  label: string;
  help: string;
  act: (columns: ColumnService) => Promise<void>;
}): JSX.Element {
  const { model } = useCanvas();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<APIError | null>(null);
  const help = useId();
  const read = async (): Promise<void> => {
    const { service } = model.server;
    if (!service) {
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await props.act(service.columns);
    } catch (reason) {
      if (!(reason instanceof APIError)) {
        throw reason;
      }
      setError(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="jp-mlws-Field">
      <Button disabled={isBusy} aria-describedby={help} onClick={read}>
        {props.label}
      </Button>
      <div id={help} className="jp-mlws-Field-help">
        {props.help}
      </div>
      {error && <Failure error={error} />}
    </div>
  );
}

/** Fills the settings of a data check with rules that its input table meets. */
export function LearnChecks({ node }: { node: IGraphNode }): JSX.Element {
  const { model } = useCanvas();
  return (
    <DataButton
      label={trans.__('Learn from the Data')}
      help={trans.__(
        'Sets rules that the input table meets, with some slack: ranges are a tenth larger.'
      )}
      act={async columns => {
        const rules = await columns.learnChecks(model.document.text, node.id);
        const now = model.drawing.graph.nodes.get(node.id);
        if (now) {
          const before = settingsOf(now, model.document.workflow);
          const after = { ...before, ...rules };
          model.document.edit(changeSettings(now, before, after));
        }
      }}
    />
  );
}

/** Button that converts the automatic preparation of a learner to a node. */
export function ShowPreparation({ node }: { node: IGraphNode }): JSX.Element {
  const { model } = useCanvas();
  // The steps are those of its newest model.
  useKeyed(model.results.nodes, node.id);
  const help = useId();
  return (
    <div className="jp-mlws-Field">
      <Button
        disabled={!canShowPreparation(model, node.id)}
        aria-describedby={help}
        onClick={() => void showPreparation(model, node.id)}
      >
        {trans.__('Show Preparation as Node')}
      </Button>
      <div id={help} className="jp-mlws-Field-help">
        {trans.__(
          'Adds a node with the step of each column, as of the last run, where you can change them.'
        )}
      </div>
    </div>
  );
}

/** Shows the first rows of a query. */
export function PreviewQuery({ node }: { node: IGraphNode }): JSX.Element {
  const { model } = useCanvas();
  const [preview, setPreview] = useState<ITablePreview | null>(null);
  return (
    <>
      <DataButton
        label={trans.__('Preview Query')}
        help={trans.__(
          'Sends the query to the database, in a read-only transaction with a time limit, and shows the first rows.'
        )}
        act={async columns => {
          setPreview(null);
          setPreview(await columns.previewQuery(model.document.text, node.id));
        }}
      />
      {preview && <TablePreview {...preview} />}
    </>
  );
}
