import { afterEach, expect, it } from 'vitest';

import { project, rest, show, Wire } from '../../__tests__/server';
import { followProject } from '../../api/invalidation';
import type { ServerView } from '../../ui/server';
import { statusItem } from './statusItem';
import { followRuns } from './view';

const PATH = 'workflows/wine/dvc.yaml';
const ID = 'workflows~1wine~1dvc.yaml';
const RUN = '20261125-093000-ab12cd';

let view: ServerView;

afterEach(() => {
  view.dispose();
});

async function setUp(status: string) {
  const wire = new Wire();
  const run = { id: RUN, workflow: ID, path: PATH, status };
  const node = (id: string, state: string) => ({ id, status: state });
  wire.answers['GET /workflows'] = {
    items: [{ path: PATH, run }],
    next_cursor: null
  };
  wire.answers['GET /git/branches'] = {
    items: [{ name: 'main', current: true }],
    next_cursor: null
  };
  wire.answers[`GET /workflows/${encodeURIComponent(ID)}/runs/${RUN}`] = {
    ...run,
    last_seq: 1,
    nodes: [node('load', 'CACHED'), node('train', 'RUNNING')]
  };
  const client = wire.client();
  client.project = project;
  followProject(client);
  const events = client.stream('/workflows/status');
  followRuns(client, events);
  const clicks: string[] = [];
  view = statusItem({
    client,
    events,
    onProject: () => clicks.push('sidebar'),
    onRun: ({ path }) => clicks.push(path)
  });
  const element = await show(view);
  await rest();
  let seq = 1;
  const say = async (event: object) => {
    wire.sockets[1].say({ seq: (seq += 1), run: RUN, path: PATH, ...event });
    await rest();
    await new Promise(resolve => setTimeout(resolve, 150));
  };
  const texts = () =>
    [...element.querySelectorAll('button')].map(one => one.textContent);
  return { wire, element, clicks, say, texts };
}

it('shows the project and its branch, and no run where none is in progress', async () => {
  const { element, texts, clicks } = await setUp('COMPLETED');
  expect(texts()).toEqual([`${project.name} · main`]);
  element.querySelector('button')!.click();
  expect(clicks).toEqual(['sidebar']);
});

it('counts the nodes of the run by its events, and forgets it at its end', async () => {
  const { wire, element, texts, say, clicks } = await setUp('RUNNING');
  expect(texts()[1]).toBe('wine: Running 1/2');
  element.querySelectorAll('button')[1].click();
  expect(clicks).toEqual([PATH]);
  const requests = wire.requests.length;
  await say({ type: 'node', node: 'train', status: 'COMPLETED', data: {} });
  expect(texts()[1]).toBe('wine: Running 2/2');
  await say({
    type: 'run',
    status: 'COMPLETED',
    data: { id: RUN, workflow: ID, path: PATH }
  });
  expect(texts()).toHaveLength(1);
  expect(wire.requests).toHaveLength(requests);
});
