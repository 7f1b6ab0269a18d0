import { Button } from '@jupyterlab/ui-components';

import { ErrorLink } from '../../ui/helpLink';
import { settingsOf } from '../document/settings';
import { failureLine, failureSentence, faultySetting } from '../failure';
import { codePath } from '../graph/code';
import { useCanvas, useCurrentRun, useDrawing, useKeyed } from '../store/hooks';

/** The error of a failed node in a sentence, with the ways to correct it. */
export function FailureBox(props: {
  node: string;
  /** Shows the form, with the focus on a setting. */
  onFix: (setting: string | null) => void;
  /** Goes to a line of the node's code. */
  onLine: (line: number) => void;
  onLog: () => void;
}): JSX.Element | null {
  const { model, trans, openFailed } = useCanvas();
  const node = useDrawing().graph.nodes.get(props.node);
  const { nodes, run } = useCurrentRun();
  const state = useKeyed(nodes, props.node);
  if (state?.status !== 'FAILED' || !state.error || !node || !run) {
    return null;
  }
  const { error } = state;
  const settings = node.component
    ? settingsOf(node, model.document.workflow)
    : {};
  const setting = faultySetting(error, settings, trans);
  const path = codePath(node);
  const line = path === null ? null : failureLine(error, path);
  const reason = failureSentence(error, trans);
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
            small
            className="jp-mod-accept jp-mod-styled"
            title={trans.__('Go to the line of the code that failed')}
            onClick={() => props.onLine(line)}
          >
            {trans.__('Go to Line %1', line)}
          </Button>
        ) : (
          !model.document.isReadOnly && (
            <Button
              small
              className="jp-mod-accept jp-mod-styled"
              title={trans.__('Show the settings of this node')}
              onClick={() => props.onFix(setting)}
            >
              {setting === null
                ? trans.__('Fix Settings')
                : trans.__('Fix “%1”', setting)}
            </Button>
          )
        )}
        <Button
          small
          className="jp-mod-accept jp-mod-styled"
          title={trans.__(
            'Debug this node in a notebook with its exact inputs'
          )}
          onClick={() => openFailed(run.id, error.node ?? props.node)}
        >
          {trans.__('Debug in Notebook')}
        </Button>
        <Button
          small
          className="jp-mod-reject jp-mod-styled"
          onClick={props.onLog}
        >
          {trans.__('Show Log')}
        </Button>
        <ErrorLink code={error.code} trans={trans} />
      </div>
    </div>
  );
}
