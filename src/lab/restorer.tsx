import {
  Dialog,
  Notification,
  ReactWidget,
  showDialog
} from '@jupyterlab/apputils';

import type { MLWSClient } from '../api/client';
import { fileSize, listText } from '../ui/format';
import type { IOperation, IRestorePlan, IRestoreResult } from '../api/models';
import { trans } from '../ui/locale';
import { notifyOnError } from './notify';
import type { OpenDocuments } from './documents';
import { followWithNotice } from './work';

/** Maximum number of paths named in the dialog; more are counted. */
const MAX_NAMES = 12;

function Paths(props: { title: string; paths: string[] }) {
  const { title, paths } = props;
  if (paths.length === 0) {
    return null;
  }
  const rest = paths.length - MAX_NAMES;
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {paths.slice(0, MAX_NAMES).map(path => (
          <li key={path}>{path}</li>
        ))}
        {rest > 0 && <li>{trans._n('and %1 more', 'and %1 more', rest)}</li>}
      </ul>
    </section>
  );
}

/** Summary of a restore: its changes, and the files that it would overwrite. */
function PlanSummary(props: { plan: IRestorePlan }): JSX.Element {
  const { plan } = props;
  const both = [...plan.code, ...plan.data];
  const written = both
    .filter(item => item.action !== 'delete')
    .map(item => item.path);
  const deleted = both
    .filter(item => item.action === 'delete')
    .map(item => item.path);
  return (
    <div className="jp-mlws-Plan">
      {plan.missing.length > 0 && (
        <p className="jp-mlws-Failure">
          {plan.unreachable
            ? trans.__(
                "Can't restore this version now: remote “%1” can't be reached. %2",
                plan.unreachable.remote,
                plan.unreachable.reason
              )
            : trans.__(
                "Can't restore this version: the data below is not available. Pull it from a " +
                  'remote that has it and try again.'
              )}
        </p>
      )}
      <Paths
        title={
          plan.unreachable
            ? trans.__('Data that may be on the remote')
            : trans.__('Data not stored anywhere')
        }
        paths={plan.missing.map(item => item.path)}
      />
      <Paths
        title={trans._n(
          '%1 file will change',
          '%1 files will change',
          written.length
        )}
        paths={written}
      />
      <Paths
        title={trans._n(
          '%1 file will be deleted',
          '%1 files will be deleted',
          deleted.length
        )}
        paths={deleted}
      />
      <Paths
        title={trans.__('Uncommitted changes that will be overwritten')}
        paths={plan.lost.map(item => `${item.path}: ${item.reason}`)}
      />
      {plan.lost.length > 0 && (
        <p className="jp-mlws-Note">
          {trans.__(
            'A safety copy of your current work is made first, so nothing is lost.'
          )}
        </p>
      )}
      {plan.bytes_to_fetch > 0 && (
        <p>{trans.__('To download: %1', fileSize(plan.bytes_to_fetch))}</p>
      )}
    </div>
  );
}

/** Restore of snapshots, with its confirmation and progress. */
export class Restorer {
  constructor(
    private _client: MLWSClient,
    private _documents: OpenDocuments
  ) {}

  /**
   * Asks, restores, follows and reloads; resolves to whether files were restored.
   *
   * `name`: label of the snapshot; `paths`: only these files.
   */
  async restore(id: string, name: string, paths?: string[]): Promise<boolean> {
    // Unsaved edits are work, too: saved, they are in the plan and in the safety copy.
    const unsaved = await this._documents.saveAll();
    if (unsaved.length > 0) {
      Notification.error(
        trans.__(
          'Could not save %1, so nothing was restored.',
          listText(unsaved)
        ),
        { autoClose: 5000 }
      );
      return false;
    }
    const plan = await this._client.get(`/snapshots/${id}/restore-plan`, {
      paths
    });
    if (plan.nothing) {
      Notification.info(
        trans.__('Nothing to restore: your files already match “%1”.', name),
        { autoClose: 5000 }
      );
      return false;
    }
    if (!(await this._confirm(plan, name))) {
      return false;
    }
    const started = await this._client.post(
      `/snapshots/${id}/restore`,
      paths ? { paths } : {}
    );
    return this._follow(started, name);
  }

  private async _confirm(plan: IRestorePlan, name: string): Promise<boolean> {
    const possible = plan.missing.length === 0;
    const cancel = possible
      ? Dialog.cancelButton({ label: trans.__('Cancel') })
      : Dialog.cancelButton({ label: trans.__('Close') });
    const agree = Dialog.warnButton({ label: trans.__('Restore') });
    const answer = await showDialog({
      title: trans.__('Restore “%1”?', name),
      body: ReactWidget.create(<PlanSummary plan={plan} />),
      buttons: possible ? [cancel, agree] : [cancel],
      defaultButton: 0
    });
    return answer.button.accept;
  }

  private async _follow(
    started: IOperation<IRestoreResult>,
    name: string
  ): Promise<boolean> {
    const project = this._client.project;
    const [end, notice] = await followWithNotice(
      this._client,
      started,
      trans.__('Restoring “%1”…', name)
    );
    if (end.state === 'CANCELLED') {
      await notice.end(
        trans.__('Canceled. Your files were not changed.'),
        'info'
      );
      return false;
    }
    if (end.state === 'FAILED' || !end.result) {
      const parts = [end.error?.message, end.error?.solution];
      await notice.end(parts.filter(Boolean).join(' '), 'error');
      return false;
    }
    if (project) {
      await this._documents.reload(project, end.result.restored);
    }
    const { safety, environments } = end.result;
    const installs = environments.map(environment => ({
      label: trans.__('Install “%1”', environment),
      caption: trans.__('Its packages are not those of the restored lock file'),
      callback: () =>
        void notifyOnError(async () => {
          const path = `/envs/${encodeURIComponent(environment)}/sync` as const;
          await followWithNotice(
            this._client,
            await this._client.post(path),
            trans.__('Installing %1', environment)
          );
          await this._client.refresh('/envs');
        })
    }));
    await notice.end(
      safety
        ? trans.__(
            'Restored “%1”. Your previous work was kept as %2.',
            name,
            safety.slice(0, 8)
          )
        : trans.__('Restored “%1”.', name),
      'success',
      [
        ...installs,
        ...(safety
          ? [
              {
                label: trans._p('restore', 'Undo'),
                callback: () =>
                  void notifyOnError(() =>
                    this.restore(safety, trans.__('previous work'))
                  )
              }
            ]
          : [])
      ]
    );
    return true;
  }
}
