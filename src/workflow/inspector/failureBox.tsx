import { Button } from '../../ui/controls';
import { ErrorLink } from '../../ui/helpLink';
import { trans } from '../../ui/locale';
import { settingsOf } from '../document/settings';
import { sourcePath } from '../document/notes';
import {
  failedRow,
  failureLine,
  failureSentence,
  faultySetting
} from '../failure';
import { codePath } from '../graph/code';
import { tableEdges } from '../graph/repairs';
import { useCanvas } from '../context';
import { useCurrentRun, useDrawing, useKeyed, usePanes } from '../hooks';

/** The error of a failed node in a sentence, with the ways to correct it. */
export function FailureBox(props: {
  node: string;
  /** Gives the focus to the field of a setting. */
  onFix: (setting: string) => void;
  /** Reveals a line of the node's code. */
  onLine: (line: number) => void;
  onLog: () => void;
}): JSX.Element | null {
  const { model, openFailed, openFile } = useCanvas();
  const panes = usePanes();
  const { graph } = useDrawing();
  const node = graph.nodes.get(props.node);
  const { nodes, run } = useCurrentRun();
  const state = useKeyed(nodes, props.node);
  if (state?.status !== 'FAILED' || !state.error || !node || !run) {
    return null;
  }
  const { error } = state;
  const settings = node.component
    ? settingsOf(node, model.document.workflow)
    : {};
  const setting = faultySetting(error, settings);
  const path = codePath(node);
  const line = path === null ? null : failureLine(error, path);
  const reason = failureSentence(error);
  const row = node.component && failedRow(error);
  const edge = tableEdges(graph, node.id).find(
    ({ targetPort }) => !row?.port || row.port === targetPort
  );
  return (
    <div className="jp-mlws-Failure jp-mlws-NodeFailure" role="alert">
      <p title={error.message}>
        {line === null ? reason : trans.__('Line %1: %2', line, reason)}
      </p>
      {error.solution !== '' && error.code !== '40101' && (
        <p className="jp-mlws-Field-help">{error.solution}</p>
      )}
      <div className="jp-mlws-NodeFailure-actions">
        {line !== null ? (
          <Button
            className="jp-mod-accept jp-mod-styled"
            title={trans.__('Go to the line of the code that failed')}
            onClick={() => props.onLine(line)}
          >
            {trans.__('Go to Line %1', line)}
          </Button>
        ) : (
          setting !== null &&
          !model.document.isReadOnly && (
            <Button
              className="jp-mod-accept jp-mod-styled"
              title={trans.__('Show the settings of this node')}
              onClick={() => props.onFix(setting)}
            >
              {trans.__('Fix “%1”', setting)}
            </Button>
          )
        )}
        {row !== null && edge && (
          <Button
            className="jp-mod-accept jp-mod-styled"
            title={trans.__('Show the row of the input table at fault')}
            onClick={() => {
              const { source, sourcePort } = edge;
              const file = sourcePath(source);
              if (file !== null) {
                openFile(file);
                return;
              }
              model.selection.select([source]);
              const place = { node: source, port: sourcePort, row: row.row };
              panes.showTab('preview', place);
            }}
          >
            {trans.__('Show Row %1', row.row)}
          </Button>
        )}
        <Button
          className="jp-mod-accept jp-mod-styled"
          title={trans.__(
            'Debug this node in a notebook with its exact inputs'
          )}
          onClick={() => openFailed(run.id, error.node ?? props.node)}
        >
          {trans.__('Debug in Notebook')}
        </Button>
        <Button className="jp-mod-reject jp-mod-styled" onClick={props.onLog}>
          {trans.__('Show Log')}
        </Button>
        <ErrorLink code={error.code} />
      </div>
    </div>
  );
}
