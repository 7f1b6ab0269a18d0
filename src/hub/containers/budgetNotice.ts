import { Notification } from '@jupyterlab/apputils';

import type { IOwnUsage } from '../../api/models';
import { fullTime } from '../../ui/format';
import { trans } from '../../ui/locale';

/** Time before the stop at which documents are saved once more, in milliseconds. */
const LAST_SAVE = 20_000;

/** Shows the Hub's notices about budgets, and saves documents before the container is stopped. */
export class BudgetNotices {
  constructor(private _saveAll: () => Promise<void>) {}

  /** Follows the usage of this container, which has the notice. */
  update(usage: Pick<IOwnUsage, 'notice' | 'stop_at'>): void {
    const { notice, stop_at } = usage;
    const key = notice === null ? null : `${notice} ${stop_at ?? ''}`;
    if (key === this._shown) {
      return;
    }
    this._shown = key;
    this.dispose();
    if (notice === null) {
      return;
    }
    const text = stop_at
      ? `${notice} ${trans.__('It stops at %1.', fullTime(stop_at))}`
      : notice;
    this._id = stop_at
      ? Notification.error(text, { autoClose: false })
      : Notification.warning(text, { autoClose: false });
    if (stop_at) {
      void this._saveAll();
      const wait = Date.parse(stop_at) - Date.now() - LAST_SAVE;
      if (wait > 0) {
        this._timer = setTimeout(() => void this._saveAll(), wait);
      }
    }
  }

  /** Takes the notice away. */
  dispose(): void {
    clearTimeout(this._timer);
    if (this._id !== null) {
      Notification.dismiss(this._id);
      this._id = null;
    }
  }

  private _shown: string | null = null;
  private _id: string | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
