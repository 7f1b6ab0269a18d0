import { HTMLSelect } from '@jupyterlab/ui-components';

import type { MLWSClient } from '../api/client';
import type { IWorkspaceEvents } from '../lab/tokens';
import { trans } from '../ui/locale';
import { ServerView, useGet } from '../ui/server';
import { State, useValue } from '../ui/state';
import type { RemoteActions } from './remotes/remoteActions';
import { Sync } from './remotes/sync';

interface IProps {
  client: MLWSClient;
  events: IWorkspaceEvents;
  actions: RemoteActions;
  showBranches: () => void;
}

function Bar(
  props: IProps & {
    /** True while reconnecting. */
    lost: State<boolean>;
    /** Reason for which changes are not reported. */
    unwatched: State<string | null>;
  }
): JSX.Element {
  const { client, actions, showBranches } = props;
  const { project, projects } = client;
  const lost = useValue(props.lost);
  const unwatched = useValue(props.unwatched);
  const { data: status } = useGet(client, '/git/status');
  return (
    <>
      {projects.length > 1 ? (
        <HTMLSelect
          aria-label={trans.__('Project')}
          value={project?.id}
          options={projects.map(one => ({ value: one.id, label: one.name }))}
          onChange={event => {
            const chosen = projects.find(one => one.id === event.target.value);
            client.project = chosen ?? null;
          }}
        />
      ) : (
        <span className="jp-mlws-ProjectBar-name">{project?.name}</span>
      )}
      {status && (
        <Sync
          client={client}
          branch={status.branch ?? null}
          actions={actions}
          showBranches={showBranches}
        />
      )}
      {lost && (
        <span className="jp-mlws-Lost" role="status">
          {trans.__('Connection lost. Reconnecting…')}
        </span>
      )}
      {unwatched !== null && (
        <span className="jp-mlws-Lost" role="status" title={unwatched}>
          {trans.__(
            'Automatic refresh is not available. Click Refresh to see changes.'
          )}
        </span>
      )}
    </>
  );
}

/** The project's name, if there are several projects. */
export function projectName(client: MLWSClient): ServerView {
  return new ServerView(
    client,
    () => (
      <>
        {client.projects.length > 1 && (
          <span className="jp-mlws-ProjectBar-name">
            {client.project?.name}
          </span>
        )}
      </>
    ),
    { className: 'jp-mlws-ProjectBar' }
  );
}

/** Project and branch of Source Control, with the state of the connection. */
export function projectBar(props: IProps): ServerView {
  const { client, events } = props;
  // Before the first connection, nothing is lost.
  const lost = new State(false);
  const unwatched = new State<string | null>(null);
  events.connectionChanged.connect((_, connected) => (lost.value = !connected));
  events.message.connect((_, event) => {
    if (event.type === 'unwatched') {
      unwatched.value = event.reason;
    }
  });
  return new ServerView(
    client,
    () => <Bar {...props} lost={lost} unwatched={unwatched} />,
    { className: 'jp-mlws-ProjectBar' }
  );
}
