import type { IServer } from '../../api/client';
import type { IConfig } from './config';

/** Connection to the Hub's service: the browser sends the cookie, the page the XSRF token. */
export function hubServer(config: IConfig): IServer {
  const baseUrl = new URL(`${config.baseUrl}api/v1`, location.href).href;
  return {
    baseUrl,
    wsUrl: baseUrl.replace(/^http/, 'ws'),
    hasProjects: false,
    request: (url, init) => {
      // The Hub requires the token of all script requests, including GET.
      const headers = new Headers(init.headers);
      headers.set('X-XSRFToken', config.xsrf);
      return fetch(url, { ...init, headers, credentials: 'same-origin' });
    },
    connect: url => new WebSocket(url)
  };
}
