import { Notification } from '@jupyterlab/apputils';

import { APIError } from './api';

/** Tells people of an error that has no place of its own in a view. */
export async function told<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof APIError)) {
      throw error;
    }
    const faults = error.errors.map(fault => fault.message);
    Notification.error(
      [error.message, ...faults, error.solution].filter(Boolean).join(' ')
    );
    return null;
  }
}
