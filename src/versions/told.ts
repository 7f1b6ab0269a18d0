import { Notification } from '@jupyterlab/apputils';

import { APIError } from '../api';

/** Tells people of an error that has no place of its own in a view; null where there was one. */
export async function told<T>(work: () => Promise<T>): Promise<T | null> {
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

/** All of an error in one text: what happened, which fields, what to do now. */
export function errorText(error: APIError): string {
  const faults = error.errors.map(fault => `${fault.field}: ${fault.message}`);
  return [error.message, ...faults, error.solution].filter(Boolean).join(' ');
}
