import type { IRunningSessions } from '@jupyterlab/running';
import { ISignal, Signal } from '@lumino/signaling';

import type { IEventStream, MLWSClient } from '../api/client';
import type { IRunSummary, IWorkflowEvent } from '../api/models';
import { notifyOnError } from '../lab/notify';
import { trans } from '../ui/locale';
import { workflowIcon } from './icons';
import { FINAL } from './store/run';

/** Cancels a run; an error is shown. */
export async function stopRun(
  client: MLWSClient,
  run: IRunSummary
): Promise<void> {
  const id = encodeURIComponent(run.workflow);
  const path = `/workflows/${id}/runs/${run.id}/cancel` as const;
  await notifyOnError(() => client.post(path));
}

/** Active runs of the project, for JupyterLab's panel of running sessions. */
export class RunningRuns implements IRunningSessions.IManager {
  constructor(
    private _client: MLWSClient,
    events: IEventStream<IWorkflowEvent>,
    private _open: (path: string) => void
  ) {
    events.message.connect(this._onEvent, this);
    _client.projectChanged.connect(() => this._set([]));
  }

  readonly name = trans.__('Workflow Runs');
  readonly supportsMultipleViews = false;
  readonly shutdownLabel = trans.__('Stop');
  readonly shutdownAllLabel = trans.__('Stop All');
  readonly shutdownAllConfirmationText = trans.__('Stop all workflow runs?');

  get runningChanged(): ISignal<this, unknown> {
    return this._changed;
  }

  running(): IRunningSessions.IRunningItem[] {
    return [...this._runs.values()].map(run => ({
      open: () => this._open(run.path),
      label: () => run.path,
      labelTitle: () => run.id,
      icon: () => workflowIcon,
      shutdown: () => void stopRun(this._client, run)
    }));
  }

  shutdownAll(): void {
    this._runs.forEach(run => void stopRun(this._client, run));
  }

  async refreshRunning(): Promise<void> {
    this._isRead = true;
    if (!this._client.project) {
      return;
    }
    await notifyOnError(async () => {
      const { items } = await this._client.get('/workflows');
      const runs = items.flatMap(({ run }) => (run ? [run] : []));
      this._set(runs.filter(run => !FINAL.has(run.status)));
    });
  }

  private _onEvent(_: IEventStream, event: IWorkflowEvent): void {
    if (event.type === 'reset') {
      // Before the panel was shown once, there is nothing to read again.
      if (this._isRead) {
        void this.refreshRunning();
      }
    } else if (event.type === 'run') {
      if (FINAL.has(event.status)) {
        this._runs.delete(event.run);
      } else {
        this._runs.set(event.run, { ...event.data, status: event.status });
      }
      this._changed.emit();
    }
  }

  private _set(runs: IRunSummary[]): void {
    this._runs = new Map(runs.map(run => [run.id, run]));
    this._changed.emit();
  }

  private _isRead = false;
  private _runs = new Map<string, IRunSummary>();
  private _changed = new Signal<this, void>(this);
}
