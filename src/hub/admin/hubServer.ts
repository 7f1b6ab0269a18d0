import type { IServer } from '../../api/client';
import type { IConfig } from './config';

/** The Hub's service behind its own page: the browser brings the cookie, the page the token. */
export function hubServer(config: IConfig): IServer {
  const baseUrl = new URL(`${config.baseUrl}api/v1`, location.href).href;
  return {
    baseUrl,
    wsUrl: baseUrl.replace(/^http/, 'ws'),
    hasProjects: false,
    request: (url, init) => {
      // The Hub wants the token with all requests of scripts, reading ones too.
      const headers = new Headers(init.headers);
      headers.set('X-XSRFToken', config.xsrf);
      return fetch(url, { ...init, headers, credentials: 'same-origin' });
    },
    connect: url => new WebSocket(url)
  };
}
