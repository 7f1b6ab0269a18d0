import { Notification } from '@jupyterlab/apputils';
import { CancelledError } from '@tanstack/react-query';

import { errorText, apiError } from '../api/client';

/** The link of a notification to the page of an error, from the plugin that shows it. */
export const errorHelp: {
  action: ((code: string) => Notification.IAction) | null;
} = { action: null };

/** Returns the link to the page of an error, if any. */
export function helpActions(error: { code: string }): Notification.IAction[] {
  return error.code && errorHelp.action ? [errorHelp.action(error.code)] : [];
}

/** Runs a function, and notifies of an error that no view shows; returns null then. */
export async function notifyOnError<T>(
  work: () => Promise<T>
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    // The project was switched in the meantime.
    if (error instanceof CancelledError) {
      return null;
    }
    const failure = apiError(error);
    Notification.error(errorText(failure), {
      autoClose: false,
      actions: helpActions(failure)
    });
    return null;
  }
}
