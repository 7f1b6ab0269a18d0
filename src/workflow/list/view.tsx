import type { TranslationBundle } from '@jupyterlab/translation';

import { fullTime, relativeTime } from '../../ui/format';
import { LiveView } from '../../ui/liveView';
import type { IWorkflowSummary } from '../../api/models';
import { Rows } from '../../ui/rows';
import { runStatusWord } from '../../ui/runStatus';
import type { WorkflowListModel } from './model';

function WorkflowRow(props: {
  workflow: IWorkflowSummary;
  language: string;
  trans: TranslationBundle;
  onOpen: () => void;
}): JSX.Element {
  const { workflow, language, trans } = props;
  const { error, run } = workflow;
  const nodes = trans._n('%1 node', '%1 nodes', workflow.node_count);
  const time = run?.ended ?? run?.started ?? run?.created;
  return (
    <li>
      <button
        className="jp-mlws-Row jp-mlws-WorkflowRow"
        data-mlws-row
        data-mlws-path={workflow.path}
        title={`${workflow.path}\n${nodes}`}
        onClick={props.onOpen}
      >
        <span className="jp-mlws-Row-name">{workflow.name}</span>
        {run && (
          <span
            className="jp-mlws-Status"
            data-mlws-status={run.status}
            title={time ? fullTime(time, language) : undefined}
          >
            {runStatusWord(run.status, trans)}
            {time && run.status !== 'RUNNING'
              ? ` · ${relativeTime(time, language)}`
              : ''}
          </span>
        )}
      </button>
      {error && (
        <div className="jp-mlws-Failure" role="alert">
          {error.line === null ? '' : `${trans.__('Line %1:', error.line)} `}
          {error.message}
        </div>
      )}
    </li>
  );
}

/** The workflow files of the project. */
export class WorkflowListView extends LiveView<WorkflowListModel> {
  constructor(
    model: WorkflowListModel,
    private _open: (workflow: IWorkflowSummary) => void,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.id = 'jp-mlws-workflows';
    this.title.label = trans.__('Workflows');
    this.addClass('jp-mlws-Section');
    this.addClass('jp-mlws-Workflows');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    return (
      <>
        {model.items.length === 0 && (
          <p className="jp-mlws-Hint">
            {trans.__('No workflows yet. Create one from the launcher.')}
          </p>
        )}
        <Rows label={trans.__('Workflows')}>
          {model.items.map(workflow => (
            <WorkflowRow
              key={workflow.id}
              workflow={workflow}
              language={this._language}
              trans={trans}
              onOpen={() => this._open(workflow)}
            />
          ))}
        </Rows>
      </>
    );
  }
}
