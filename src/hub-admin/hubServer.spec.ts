import { afterEach, expect, it, vi } from 'vitest';

import { hubHome } from './config';
import { hubServer } from './hubServer';

const config = {
  baseUrl: '/services/mlws/',
  user: 'ada',
  admin: false,
  language: 'en',
  xsrf: 'the-token'
};

afterEach(() => {
  vi.unstubAllGlobals();
});

it('brings the XSRF token with changes alone', async () => {
  const sent: (string | null)[] = [];
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    sent.push(new Headers(init.headers).get('X-XSRFToken'));
    return new Response('{}');
  });
  const server = hubServer(config);
  for (const method of ['GET', 'POST', 'DELETE']) {
    await server.request(`${server.baseUrl}/containers`, { method });
  }
  expect(sent).toEqual([null, 'the-token', 'the-token']);
});

it('finds API, sockets and Hub below whatever prefix the Hub has', () => {
  const server = hubServer({ ...config, baseUrl: '/team/services/mlws/' });
  expect(server.baseUrl).toBe(`${location.origin}/team/services/mlws/api/v1`);
  expect(server.wsUrl).toMatch(/^ws:.*\/team\/services\/mlws\/api\/v1$/);
  expect(hubHome({ ...config, baseUrl: '/team/services/mlws/' })).toBe(
    '/team/hub/home'
  );
});
