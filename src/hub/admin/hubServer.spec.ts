import { afterEach, expect, it, vi } from 'vitest';

import { hubServer } from './hubServer';

const config = {
  baseUrl: '/services/mlws/',
  hubUrl: '/hub/',
  user: 'ada',
  admin: false,
  language: 'en',
  xsrf: 'the-token'
};

afterEach(() => {
  vi.unstubAllGlobals();
});

it('brings the XSRF token with every request', async () => {
  const sent: (string | null)[] = [];
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    sent.push(headers.get('X-XSRFToken'), headers.get('Accept-Language'));
    return new Response('{}');
  });
  const server = hubServer(config);
  await server.request(`${server.baseUrl}/containers`, {
    headers: { 'Accept-Language': 'zh-CN' }
  });
  expect(sent).toEqual(['the-token', 'zh-CN']);
});

it('finds API and sockets below whatever prefix the Hub has', () => {
  const server = hubServer({ ...config, baseUrl: '/team/services/mlws/' });
  expect(server.baseUrl).toBe(`${location.origin}/team/services/mlws/api/v1`);
  expect(server.wsUrl).toMatch(/^ws:.*\/team\/services\/mlws\/api\/v1$/);
});
