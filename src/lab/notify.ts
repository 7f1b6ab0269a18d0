import { Notification } from '@jupyterlab/apputils';

import { APIError, errorText } from '../api/client';

/** Does work, and notifies of an error that has no place of its own in a view; null then. */
export async function notifyOnError<T>(
  work: () => Promise<T>
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof APIError)) {
      throw error;
    }
    Notification.error(errorText(error), { autoClose: false });
    return null;
  }
}
