import { useEffect, useState } from 'react';
import type { MLWSClient } from '../../api/client';
import type { IRunSummary } from '../../api/models';
import type { IWorkflowEvents } from '../../lab/tokens';
import { mlwsIcon } from '../../ui/fileIcons';
import { runStatusLabel } from '../../ui/runStatus';
import { ServerView, useGet } from '../../ui/server';
import { useSignal } from '../../ui/useSignal';
import { FINAL, RunState } from '../store/run';
import { trans } from '../../ui/locale';

interface IProps {
  client: MLWSClient;
  events: IWorkflowEvents;
  /** Shows Source Control. */
  onProject: () => void;
  /** Shows the workflow of a run. */
  onRun: (run: IRunSummary) => void;
}

/** Number of completed nodes of a run; empty until loaded. */
function useProgress({ client, events }: IProps, run: IRunSummary): string {
  const [state] = useState(() => new RunState());
  const { data, refetch } = useGet(
    client,
    `/workflows/${encodeURIComponent(run.workflow)}/runs/${run.id}`
  );
  useEffect(() => {
    if (data) {
      state.load(data);
    }
  }, [state, data]);
  useEffect(() => {
    const follow: Parameters<typeof events.message.connect>[0] = (_, event) => {
      if (event.type === 'reset') {
        refetch();
      } else if (
        (event.type === 'run' || event.type === 'node') &&
        event.run === run.id
      ) {
        state.apply(event);
      }
    };
    events.message.connect(follow);
    return () => void events.message.disconnect(follow);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [events, state]);
  useSignal(state.changed);
  const { done, total } = state.progress;
  return total > 0 ? ` ${done}/${total}` : '';
}

function RunProgress(props: IProps & { run: IRunSummary }): JSX.Element {
  const { run, onRun } = props;
  const progress = useProgress(props, run);
  const status = runStatusLabel(run.status);
  const name = run.path.split('/').slice(-2)[0];
  return (
    <button
      type="button"
      className="jp-StatusBar-TextItem jp-mlws-StatusItem"
      data-mlws-run={run.id}
      title={`${run.path}\n${trans.__('Open Workflow')}`}
      onClick={() => onRun(run)}
    >
      {`${name}: ${status}${progress}`}
    </button>
  );
}

function StatusItem(props: IProps): JSX.Element | null {
  const { client } = props;
  const { project } = client;
  const branches = useGet(client, '/git/branches').data;
  const workflows = useGet(client, '/workflows').data;
  if (!project) {
    return null;
  }
  // Before the first commit there is no branch.
  const branch =
    branches &&
    branches.items.length > 0 &&
    (branches.items.find(one => one.current)?.name ??
      trans.__('detached HEAD'));
  // Run ids begin with their time.
  const [newest] = (workflows?.items ?? [])
    .flatMap(({ run }) => (run && !FINAL.has(run.status) ? [run] : []))
    .sort((one, other) => (one.id < other.id ? 1 : -1));
  return (
    <>
      <button
        type="button"
        className="jp-StatusBar-TextItem jp-mlws-StatusItem"
        title={trans.__('Show Source Control')}
        onClick={props.onProject}
      >
        <mlwsIcon.react tag="span" width="14px" height="14px" />
        {branch ? `${project.name} · ${branch}` : project.name}
      </button>
      {newest && <RunProgress key={newest.id} {...props} run={newest} />}
    </>
  );
}

/** The project, its branch and the newest run in progress, for the status bar. */
export function statusItem(props: IProps): ServerView {
  return new ServerView(props.client, () => <StatusItem {...props} />, {
    id: 'jp-mlws-status',
    className: 'jp-StatusBar-GroupItem'
  });
}
