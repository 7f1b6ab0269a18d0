import { Notification } from '@jupyterlab/apputils';

import type { IEventStream, MLWSClient } from '../api/client';
import type { IRunSummary, IWorkflowEvent } from '../api/models';
import { notifyOnError } from '../lab/notify';
import { trans } from '../ui/locale';
import { runStatusText } from '../ui/runStatus';
import { stopRun } from './running';
import { FINAL } from './store/run';

/** The origin of runs that the server starts to continue an interrupted one. */
const AUTOMATIC = 'automatic';
const STORAGE_KEY = 'mlws-resumed-runs';
/** Runs of which the browser stores that they were reported. */
const MAX_STORED_RUNS = 100;
/** A run that ended earlier is not reported, in milliseconds. */
const MAX_AGE = 24 * 60 * 60 * 1000;

/** Reports runs that the server continued after a crash; each once in a browser. */
export class ResumedRunNotices {
  constructor(
    private _client: MLWSClient,
    events: IEventStream<IWorkflowEvent>,
    private _open: (path: string) => void
  ) {
    events.message.connect((_, event) => {
      if (event.type === 'run') {
        this._report({ ...event.data, status: event.status });
      } else if (event.type !== 'node') {
        // The first message of a connection: the run may have begun before it.
        void this._read();
      }
    });
  }

  private async _read(): Promise<void> {
    await notifyOnError(async () => {
      const { items } = await this._client.get('/workflows');
      items.forEach(({ run }) => run && this._report(run));
    });
  }

  private _report(run: IRunSummary): void {
    if (run.origin !== AUTOMATIC || run.resumes === null) {
      return;
    }
    const notice = this._notices.get(run.id);
    if (notice !== undefined) {
      if (FINAL.has(run.status)) {
        this._notices.delete(run.id);
        void notice.then(id =>
          Notification.update({
            id,
            message: endText(run),
            actions: [this._show(run)]
          })
        );
      }
      return;
    }
    const isOld = run.ended && Date.now() - Date.parse(run.ended) > MAX_AGE;
    const stored = readIds();
    if (isOld || stored.includes(run.id)) {
      return;
    }
    const ids = [...stored, run.id].slice(-MAX_STORED_RUNS);
    localStorage.setItem(STORAGE_KEY, JSON.stringify(ids));
    if (FINAL.has(run.status)) {
      Notification.info(endText(run), {
        autoClose: false,
        actions: [this._show(run)]
      });
    } else {
      const notice = this._reportActive(run, run.resumes);
      this._notices.set(run.id, notice);
    }
  }

  /** Returns the ID of the notification. */
  private async _reportActive(
    run: IRunSummary,
    interrupted: string
  ): Promise<string> {
    let text = trans.__(
      'The run of %1 was interrupted and continues.',
      run.path
    );
    await notifyOnError(async () => {
      const id = encodeURIComponent(run.workflow);
      const { counts } = await this._client.get(
        `/workflows/${id}/runs/${encodeURIComponent(interrupted)}`
      );
      const done = (counts.COMPLETED ?? 0) + (counts.CACHED ?? 0);
      const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
      text = trans.__(
        'The run of %1 was interrupted and continues: %2 of %3 nodes were completed.',
        run.path,
        done,
        total
      );
    });
    const stop = {
      label: trans.__('Stop Run'),
      callback: () => void stopRun(this._client, run)
    };
    return Notification.info(text, {
      autoClose: false,
      actions: [this._show(run), stop]
    });
  }

  private _show(run: IRunSummary): Notification.IAction {
    return { label: trans.__('Show'), callback: () => this._open(run.path) };
  }

  /** Notifications of active runs, by the IDs of the runs. */
  private _notices = new Map<string, Promise<string>>();
}

function endText(run: IRunSummary): string {
  return trans.__(
    'The run of %1 was interrupted and continued automatically: %2.',
    run.path,
    runStatusText(run.status)
  );
}

function readIds(): string[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]');
    return Array.isArray(ids) ? ids.map(String) : [];
  } catch {
    // Another program has written it.
    return [];
  }
}
