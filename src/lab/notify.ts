import { Notification } from '@jupyterlab/apputils';
import { CancelledError } from '@tanstack/react-query';

import { APIError, errorText } from '../api/client';

/** Runs a function, and notifies of an error that no view shows; returns null then. */
export async function notifyOnError<T>(
  work: () => Promise<T>
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    // Another project was chosen in the meantime.
    if (error instanceof CancelledError) {
      return null;
    }
    if (!(error instanceof APIError)) {
      throw error;
    }
    Notification.error(errorText(error), { autoClose: false });
    return null;
  }
}
