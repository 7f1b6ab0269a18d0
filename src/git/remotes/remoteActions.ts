import { InputDialog, Notification } from '@jupyterlab/apputils';

import { confirm } from '../../lab/confirm';
import { escapeId, MLWSClient } from '../../api/client';
import type { IChange, IRemote, ITag } from '../../api/models';
import { pull, pullData, withRuns } from '../../lab/clone';
import { notifyOnError } from '../../lab/notify';
import { REFS } from '../branches/branchActions';
import { askFields } from '../../lab/fieldsDialog';
import type { Work } from '../../lab/work';
import { trans } from '../../ui/locale';
import { type Host, HOSTS, pullRequestPage, repositoryOf } from './pullRequest';

/** Default name of a first remote. */
const ORIGIN = 'origin';

/** Code of the error that a project has data, and no remote for it. */
const NO_DATA_REMOTE = '30214';

/** Operations on remotes: set up, fetch, pull, push. */
export class RemoteActions {
  constructor(
    private _client: MLWSClient,
    private _work: Work,
    private _setUpDataRemote: () => void
  ) {}

  /** Asks for a remote's address, and adds or changes it; resolves to the remote. */
  async edit(remote?: IRemote): Promise<IRemote | null> {
    const name = {
      name: 'name',
      label: trans.__('Name'),
      value: remote?.name ?? ((await this._remotes())?.length ? '' : ORIGIN)
    };
    const url = {
      name: 'url',
      label: trans.__('URL'),
      value: remote?.url ?? '',
      placeholder: 'https://host/project.git'
    };
    const fields = await askFields(
      remote
        ? trans.__('Remote “%1”', remote.name)
        : trans.__('Add Git Remote'),
      remote ? trans.__('Save') : trans.__('Add'),
      remote ? [url] : [name, url],
      [
        trans.__(
          "Don't put a password in the URL. You will be asked for it when it is needed."
        )
      ]
    );
    if (!fields) {
      return null;
    }
    const id = escapeId(remote?.name ?? fields.name);
    const saved = await notifyOnError(() =>
      this._client.put(`/git/remotes/${encodeURIComponent(id)}`, {
        url: fields.url
      })
    );
    await this._client.refresh(...REFS);
    return saved;
  }

  async remove(remote: IRemote): Promise<void> {
    const sure = await confirm(
      trans.__('Remove remote “%1”?', remote.name),
      trans.__(
        'Its remote-tracking branches are removed here. Nothing changes on %1.',
        remote.url
      ),
      trans.__('Remove')
    );
    if (sure) {
      const id = encodeURIComponent(escapeId(remote.name));
      await notifyOnError(() => this._client.delete(`/git/remotes/${id}`));
      await this._client.refresh(...REFS);
    }
  }

  /** Pulls data from its remote, dataset by dataset, until the first failure. */
  async pullData(changes: readonly IChange[]): Promise<void> {
    await pullData(
      this._work,
      changes.map(({ path }) => path)
    );
  }

  async fetch(): Promise<void> {
    if (await this._hasRemote()) {
      await this._work.transfer(
        '/git/fetch',
        { prune: true },
        {
          doing: trans.__('Fetching…'),
          done: ({ remote, branches }) =>
            branches.length === 0
              ? trans.__('Nothing new on %1.', remote)
              : trans._n(
                  '%1 branch was updated on %2.',
                  '%1 branches were updated on %2.',
                  branches.length,
                  remote
                )
        }
      );
    }
  }

  /**
   * Pushes a branch with its data; by default the current one. `codeOnly` leaves the data here.
   *
   * Resolves to whether it is on the remote now.
   */
  async push(codeOnly = false, branch?: string): Promise<boolean> {
    if (!(await this._hasRemote())) {
      return false;
    }
    const pushed = await this._work.transfer(
      '/git/push',
      { code_only: codeOnly, branch },
      {
        doing: codeOnly
          ? trans.__('Pushing code…')
          : trans.__('Pushing data and code…'),
        errorActions: ({ code }) =>
          code !== NO_DATA_REMOTE
            ? []
            : [
                {
                  label: trans.__('Set Up Data Remote…'),
                  callback: () => this._setUpDataRemote()
                },
                {
                  label: trans.__('Push Code Only'),
                  callback: () => void this.push(true, branch)
                }
              ],
        done: result => {
          const { remote, branch, commits } = result;
          return withRuns(
            commits === 0
              ? trans.__('%1 is already up to date with “%2”.', remote, branch)
              : trans._n(
                  'Pushed %1 commit of “%2” to %3.',
                  'Pushed %1 commits of “%2” to %3.',
                  commits,
                  branch,
                  remote
                ),
            result
          );
        }
      }
    );
    return pushed !== null;
  }

  async pull(): Promise<void> {
    if (await this._hasRemote()) {
      await pull(this._work);
    }
  }

  /** Opens the page of the remote's server for a new pull request; pushes the branch before. */
  async openPullRequest(): Promise<void> {
    const [branches, remotes] = await Promise.all([
      notifyOnError(() => this._client.get('/git/branches')),
      this._remotes()
    ]);
    const branch = branches?.items.find(({ current }) => current);
    if (!branch || !remotes) {
      return;
    }
    const { name, upstream, ahead } = branch;
    const remote =
      remotes.find(one => upstream?.startsWith(`${one.name}/`)) ?? remotes[0];
    const repository = remote ? repositoryOf(remote.url) : null;
    if (!repository) {
      Notification.warning(
        trans.__(
          'A pull request needs a remote on a server such as GitHub, GitLab or Gitea.'
        )
      );
      return;
    }
    const host = repository.host ?? (await chooseHost(repository.address));
    if (host === null || ((!upstream || ahead) && !(await this.push()))) {
      return;
    }
    const page = pullRequestPage(repository.address, host, name);
    // Browsers may refuse to open a page some seconds after the click.
    if (!openPage(page)) {
      Notification.info(trans.__('A new pull request for “%1”', name), {
        autoClose: false,
        actions: [
          {
            label: trans.__('Open Page'),
            callback: () => void openPage(page)
          }
        ]
      });
    }
  }

  async pushTag(tag: ITag): Promise<void> {
    if (await this._hasRemote()) {
      const id = encodeURIComponent(escapeId(tag.name));
      await this._work.transfer(
        `/git/tag/${id}/push`,
        {},
        {
          doing: trans.__('Pushing tag “%1”…', tag.name),
          done: () => trans.__('Pushed tag “%1”.', tag.name)
        }
      );
    }
  }

  /** Tests whether there is a remote; asks for one otherwise. */
  private async _hasRemote(): Promise<boolean> {
    const remotes = await this._remotes();
    return (
      remotes !== null && (remotes.length > 0 || (await this.edit()) !== null)
    );
  }

  private async _remotes(): Promise<readonly IRemote[] | null> {
    const page = await notifyOnError(() => this._client.cached('/git/remotes'));
    return page && page.items;
  }
}

/** Opens a page in a new tab that cannot reach this one; false if the browser refuses. */
function openPage(address: string): boolean {
  const tab = window.open(address, '_blank');
  if (tab) {
    tab.opener = null;
  }
  return tab !== null;
}

async function chooseHost(address: string): Promise<Host | null> {
  const answer = await InputDialog.getItem({
    title: trans.__('Open Pull Request'),
    label: trans.__('Which service is at %1?', address),
    items: [...HOSTS],
    okLabel: trans.__('Continue'),
    cancelLabel: trans.__('Cancel')
  });
  return answer.button.accept ? (answer.value as Host | null) : null;
}
