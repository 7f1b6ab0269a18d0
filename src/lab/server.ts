import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IServer } from '../api/client';

const API = 'mlws/api/v1';

/** Connection to JupyterLab's server, with JupyterLab's requests. */
export function labServer(
  settings: ServerConnection.ISettings,
  hasProjects = true
): IServer {
  return {
    baseUrl: URLExt.join(settings.baseUrl, API),
    wsUrl: URLExt.join(settings.wsUrl, API),
    hasProjects,
    request: (url, init) => ServerConnection.makeRequest(url, init, settings),
    connect: url => {
      const address = new URL(url);
      if (settings.appendToken && settings.token) {
        address.searchParams.append('token', settings.token);
      }
      return new settings.WebSocket(address.href);
    }
  };
}
