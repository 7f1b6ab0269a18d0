import { Notification } from '@jupyterlab/apputils';

/** An operation that ends within this shows its end alone, in milliseconds. */
const PROGRESS_DELAY = 400;
/**
 * JupyterLab loads its toasts with the first notification; an update before that is lost, and
 * the toast shows an operation that never ends.
 */
const TOAST_LOAD_TIME = 1500;

/** The notification of an operation: its progress, then its end. */
export class ProgressNotice {
  constructor(message: string, actions: Notification.IAction[]) {
    this._timer = setTimeout(() => {
      this._since = Date.now();
      this._id = Notification.emit(message, 'in-progress', {
        autoClose: false,
        actions
      });
    }, PROGRESS_DELAY);
  }

  /** `part`: from 0 to 1; undefined if it is not known. */
  progress(part: number | undefined): void {
    if (this._id !== null) {
      Notification.update({ id: this._id, progress: part });
    }
  }

  /**
   * Shows how it ended (null for nothing) with buttons for `actions`; errors stay until they
   * are dismissed.
   */
  async end(
    message: string | null,
    type: 'success' | 'info' | 'error',
    actions: Notification.IAction[] = []
  ): Promise<void> {
    clearTimeout(this._timer);
    const autoClose = type === 'error' ? false : actions.length ? 30_000 : 8000;
    if (this._id === null) {
      if (message !== null) {
        Notification.emit(message, type, { autoClose, actions });
      }
      return;
    }
    const wait = this._since + TOAST_LOAD_TIME - Date.now();
    await new Promise(resolve => setTimeout(resolve, Math.max(wait, 0)));
    if (message === null) {
      Notification.dismiss(this._id);
      return;
    }
    Notification.update({
      id: this._id,
      message,
      type,
      autoClose,
      actions
    });
  }

  private _timer: ReturnType<typeof setTimeout>;
  private _id: string | null = null;
  private _since = 0;
}
