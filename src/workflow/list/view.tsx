import type { MLWSClient } from '../../api/client';
import type { IPage, IWorkflowSummary } from '../../api/models';
import type { IWorkflowEvents } from '../../lab/tokens';
import { Button, Hint } from '../../ui/controls';
import { fullTime, relativeTime } from '../../ui/format';
import { Rows } from '../../ui/rows';
import { runStatusText } from '../../ui/runStatus';
import { Answer, ServerView, useGet } from '../../ui/server';
import { trans } from '../../ui/locale';

function WorkflowRow(props: {
  workflow: IWorkflowSummary;
  onOpen: () => void;
}): JSX.Element {
  const { workflow } = props;
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
            title={time ? fullTime(time) : undefined}
          >
            {runStatusText(run.status)}
            {time && run.status !== 'RUNNING' ? ` · ${relativeTime(time)}` : ''}
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

/** Tracks the status of each workflow's newest run by the events of runs. */
export function followRuns(client: MLWSClient, runs: IWorkflowEvents): void {
  runs.message.connect((_, event) => {
    if (event.type !== 'run') {
      if (event.type === 'reset') {
        void client.refresh('/workflows');
      }
      return;
    }
    const key = ['/workflows', {}];
    const page = client.queries.getQueryData<IPage<IWorkflowSummary>>(key);
    const workflow = page?.items.find(one => one.path === event.path);
    if (!workflow) {
      void client.refresh('/workflows');
    } else if (!workflow.run || event.run >= workflow.run.id) {
      // Run ids begin with their time: a late event of an older run is ignored.
      const run = { ...event.data, status: event.status };
      client.queries.setQueryData(key, {
        ...page,
        items: page!.items.map(one =>
          one === workflow ? { ...one, run } : one
        )
      });
    }
  });
}

interface IProps {
  client: MLWSClient;
  onOpen: (workflow: IWorkflowSummary) => void;
  onCreate: () => void;
}

function Workflows({ client, onOpen, onCreate }: IProps): JSX.Element {
  const answer = useGet(client, '/workflows');
  return (
    <Answer of={answer}>
      {({ items }) => (
        <>
          {items.length === 0 && (
            <>
              <Hint>
                {trans.__(
                  'No workflows yet. A workflow reruns only what changed.'
                )}
              </Hint>
              <Button onClick={onCreate}>{trans.__('New Workflow')}</Button>
            </>
          )}
          <Rows label={trans.__('Workflows')}>
            {items.map(workflow => (
              <WorkflowRow
                key={workflow.id}
                workflow={workflow}
                onOpen={() => onOpen(workflow)}
              />
            ))}
          </Rows>
        </>
      )}
    </Answer>
  );
}

/** The section of the workflow files of the project. */
export function workflowsView(props: IProps): ServerView {
  return new ServerView(props.client, () => <Workflows {...props} />, {
    id: 'jp-mlws-workflows',
    label: trans.__('Workflows'),
    className: 'jp-mlws-Section jp-mlws-Workflows',
    help: 'reference-canvas',
    paths: ['/workflows']
  });
}
