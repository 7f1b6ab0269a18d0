import { refreshIcon } from '@jupyterlab/ui-components';
import type { MLWSClient } from '../../api/client';
import { IconButton } from '../../ui/iconButton';
import { useGet } from '../../ui/server';
import { branchIcon, pullIcon, pushIcon } from '../icons';
import type { RemoteActions } from './remoteActions';
import { trans } from '../../ui/locale';

/** Current branch with its distance from the remote, and buttons to fetch, pull and push. */
export function Sync(props: {
  client: MLWSClient;
  /** Null: HEAD is on no branch. */
  branch: string | null;
  actions: RemoteActions;
  showBranches: () => void;
}): JSX.Element {
  const { client, branch, actions } = props;
  const { data } = useGet(client, '/git/branches');
  const current = data?.items.find(one => one.current);
  const { upstream, ahead, behind } = current ?? {};
  const follows = upstream
    ? trans.__('tracks %1', upstream)
    : trans.__('no upstream branch');
  const name = branch ?? trans.__('detached HEAD');
  return (
    <span className="jp-mlws-Sync">
      <button
        type="button"
        className="jp-mlws-Badge jp-mlws-BranchButton"
        title={`${trans.__('Branch')}: ${name} (${follows})`}
        onClick={props.showBranches}
      >
        <branchIcon.react tag="span" width="12px" />
        <span className="jp-mlws-BranchButton-name">{name}</span>
      </button>
      <span className="jp-mlws-Sync-buttons">
        <IconButton
          className="jp-mlws-FetchButton"
          icon={refreshIcon}
          label={trans.__('Fetch from Remote')}
          onClick={() => void actions.fetch()}
        />
        <IconButton
          className="jp-mlws-PullButton"
          icon={pullIcon}
          label={
            behind
              ? trans._n('Pull %1 Commit', 'Pull %1 Commits', behind)
              : trans.__('Pull')
          }
          onClick={() => void actions.pull()}
        />
        <span className="jp-mlws-Sync-count" data-mlws-behind={behind ?? ''}>
          {behind || ''}
        </span>
        <IconButton
          className="jp-mlws-PushButton"
          icon={pushIcon}
          label={
            ahead
              ? trans._n('Push %1 Commit', 'Push %1 Commits', ahead)
              : trans.__('Push')
          }
          onClick={() => void actions.push()}
        />
        <span className="jp-mlws-Sync-count" data-mlws-ahead={ahead ?? ''}>
          {ahead || ''}
        </span>
      </span>
    </span>
  );
}
