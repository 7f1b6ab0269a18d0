import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { failure, project, Wire } from '../__tests__/server';
import { APIError, escapeId, MLWSClient, projectOf } from './client';

describe('a request', () => {
  it('unwraps the envelope and speaks the language of the lab', async () => {
    const wire = new Wire();
    wire.answers['GET /git/branches'] = { items: [] };
    const branches = await wire
      .client('zh-CN')
      .get('/git/branches', { limit: 2, cursor: undefined });
    expect(branches).toEqual({ items: [] });
    const [request] = wire.requests;
    expect(request.headers.get('Accept-Language')).toBe('zh-CN');
    expect(request.url.search).toBe('?limit=2');
  });

  it('repeats the values of a list in the query', async () => {
    const wire = new Wire();
    wire.answers['GET /git/status'] = {};
    await wire.client().get('/git/status', { paths: ['a b', 'ü'] });
    expect(wire.requests[0].url.searchParams.getAll('paths')).toEqual([
      'a b',
      'ü'
    ]);
  });

  it('names the chosen project, and leaves the default one out', async () => {
    const wire = new Wire();
    wire.answers['GET /git/status'] = {};
    const client = wire.client();
    client.project = project;
    await client.get('/git/status');
    client.project = { ...project, id: 'a~1b', default: false };
    await client.get('/git/status');
    await client.get('/git/status', { project: 'other' });
    const named = wire.requests.map(request =>
      request.url.searchParams.get('project')
    );
    expect(named).toEqual([null, 'a~1b', 'other']);
  });

  it("throws the server's error with all its parts", async () => {
    const wire = new Wire();
    wire.answers['POST /snapshots'] = () => failure(423, '30103', 'In use.');
    const error = await wire
      .client()
      .post('/snapshots', { message: 'm' })
      .then(
        () => null,
        (reason: unknown) => reason as APIError
      );
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({
      status: 423,
      code: '30103',
      message: 'In use.'
    });
    expect(error?.solution).toBe('Do this.');
  });

  it('tells what a page that is no JSON means', async () => {
    const error = await new Wire()
      .client()
      .get('/git/status')
      .then(
        () => null,
        (reason: unknown) => reason as APIError
      );
    expect(error).toMatchObject({ status: 404, code: '' });
    expect(error?.message).toContain('404 Not Found');
  });

  it('chooses the default project when it reads the projects', async () => {
    const wire = new Wire();
    const other = { ...project, id: 'a', path: 'a', default: false };
    wire.answers['GET /projects'] = {
      items: [other, project],
      next_cursor: null
    };
    const client = wire.client();
    await client.loadProjects();
    expect(client.project?.id).toBe('.');
  });
});

describe('places', () => {
  it('escape ids as JSON pointers do', () => {
    expect(escapeId('a~b/dvc.yaml')).toBe('a~0b~1dvc.yaml');
  });

  it('lie in the innermost project', () => {
    const inner = { ...project, id: 'a', path: 'a', default: false };
    expect(projectOf('a/b.py', [project, inner])).toEqual({
      project: 'a',
      path: 'b.py'
    });
    expect(projectOf('ab.py', [project, inner])).toEqual({ path: 'ab.py' });
  });
});

describe('a stream', () => {
  let wire: Wire;
  let client: MLWSClient;

  beforeEach(() => {
    vi.useFakeTimers();
    wire = new Wire();
    client = wire.client();
    client.project = project;
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  const receive = (
    path: '/workflows/status' | '/workspace/status' = '/workflows/status'
  ) => {
    const stream = client.stream(path);
    const messages: { type: string; seq: number }[] = [];
    stream.message.connect((_, message) => messages.push(message));
    return { stream, messages };
  };

  it('comes back after a break and asks for what it missed', () => {
    const { stream, messages } = receive();
    wire.sockets[0].say({ type: 'hello', seq: 4 });
    wire.sockets[0].say({ type: 'node', seq: 5 });
    expect(stream.connected).toBe(true);
    wire.sockets[0].break();
    expect(stream.connected).toBe(false);
    vi.advanceTimersByTime(500);
    expect(wire.sockets[1].url).toBe(
      'ws://host/base/mlws/api/v1/workflows/status?since=5&token=secret'
    );
    wire.sockets[1].say({ type: 'hello', seq: 5 });
    wire.sockets[1].say({ type: 'node', seq: 5 });
    wire.sockets[1].say({ type: 'node', seq: 6 });
    expect(messages.map(message => message.seq)).toEqual([4, 5, 5, 6]);
  });

  it('waits longer each time, but never more than ten seconds', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    receive();
    for (const pause of [500, 1000, 2000, 4000, 8000, 10_000, 10_000]) {
      const before = wire.sockets.length;
      wire.sockets[before - 1].break();
      vi.advanceTimersByTime(pause - 1);
      expect(wire.sockets).toHaveLength(before);
      vi.advanceTimersByTime(1);
      expect(wire.sockets).toHaveLength(before + 1);
    }
  });

  it('does not come back in step with the other labs of a Hub', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    receive();
    wire.sockets[0].break();
    vi.advanceTimersByTime(374);
    expect(wire.sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(wire.sockets).toHaveLength(2);
  });

  it('takes the numbering of a server that counts anew', () => {
    const { messages } = receive();
    wire.sockets[0].say({ type: 'hello', seq: 90 });
    wire.sockets[0].say({ type: 'reset', seq: 2 });
    wire.sockets[0].say({ type: 'run', seq: 3 });
    expect(messages.map(message => message.type)).toEqual([
      'hello',
      'reset',
      'run'
    ]);
  });

  it('shares one socket a path until the last user lets go', () => {
    const first = receive();
    const second = receive();
    expect(wire.sockets).toHaveLength(1);
    first.stream.dispose();
    wire.sockets[0].say({ type: 'hello', seq: 1 });
    expect(first.messages).toHaveLength(0);
    expect(second.messages).toHaveLength(1);
    second.stream.dispose();
    expect(wire.sockets[0].closed).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(wire.sockets).toHaveLength(1);
    receive();
    expect(wire.sockets).toHaveLength(2);
  });

  it('begins when the project is known, and anew with another project', () => {
    client.project = null;
    receive('/workspace/status');
    expect(wire.sockets).toHaveLength(0);
    client.project = { ...project, id: 'a', default: false };
    wire.sockets[0].say({ type: 'hello', seq: 7 });
    client.project = { ...project, id: 'b', default: false };
    expect(wire.sockets[0].closed).toBe(true);
    expect(wire.sockets[1].url).toContain('project=b');
    expect(wire.sockets[1].url).not.toContain('since');
  });
});
