import { Notification } from '@jupyterlab/apputils';
import { afterEach, expect, it, vi } from 'vitest';

import { APIError } from '../api/client';
import { errorHelp, notifyOnError } from './notify';

afterEach(() => {
  errorHelp.action = null;
  Notification.dismiss();
});

async function notify(code?: string): Promise<Notification.INotification> {
  await notifyOnError(() =>
    Promise.reject(
      new APIError(409, { code, message: 'The project is in use.' })
    )
  );
  return Notification.manager.notifications[0];
}

it('links the notification of an error to its page', async () => {
  const callback = vi.fn();
  errorHelp.action = code => ({ label: code, callback });
  const { message, options } = await notify('30103');
  expect(message).toBe('The project is in use.');
  expect(options.actions).toEqual([{ label: '30103', callback }]);
});

it('has no link for an error without a code or a page', async () => {
  expect((await notify('30103')).options.actions).toEqual([]);
  errorHelp.action = code => ({ label: code, callback: () => undefined });
  expect((await notify()).options.actions).toEqual([]);
});
