import { afterEach, expect, it } from 'vitest';

import { failure, project, rest, show, Wire } from '../__tests__/server';
import { followProject } from '../api/invalidation';
import type { ServerView } from '../ui/server';
import { lineageView } from './view';

const nodes = [
  { id: 'run:1', kind: 'run', label: 'wine', facts: { id: '1' } },
  { id: 'model:wine', kind: 'model', label: 'wine 1', facts: {} }
];

let view: ServerView;

afterEach(() => {
  view.dispose();
});

async function open() {
  const wire = new Wire();
  wire.answers['GET /lineage'] = (_: unknown, { searchParams }: URL) => ({
    of: searchParams.get('of'),
    nodes,
    edges: [{ source: 'run:1', target: 'model:wine', relation: 'logged' }],
    truncated: false
  });
  const client = wire.client();
  followProject(client);
  client.project = project;
  const actions = { openLabel: () => null, open: () => undefined };
  view = lineageView({ client, actions, of: 'model:wine' });
  const node = await show(view);
  const press = async (text: string) => {
    const buttons = [...node.querySelectorAll('button')];
    const button = buttons.find(one => one.textContent!.includes(text));
    const action = ['back', 'follow']
      .map(name => view.actions.get(name))
      .find(one => one?.label === text);
    (action ? action.execute : () => button!.click())();
    await rest();
  };
  const title = () => node.querySelector('h2')?.textContent;
  const asked = () =>
    wire.requests.map(({ url }) => url.searchParams.get('of'));
  return { wire, node, press, title, asked };
}

it('shows what a thing came of, follows it, and goes back', async () => {
  const { press, title, asked } = await open();
  expect(title()).toBe('wine 1');
  await press('logged');
  expect(title()).toBe('wine');
  expect(asked()).toEqual(['model:wine']);
  await press('Show Lineage');
  expect(asked()).toEqual(['model:wine', 'run:1']);
  expect(title()).toBe('wine');
  await press('Back');
  expect(title()).toBe('wine 1');
  // It has been read already.
  expect(asked()).toHaveLength(2);
  expect(view.actions.get('back')).toBeUndefined();
});

it('keeps what is shown where what follows cannot be read', async () => {
  const { wire, node, press, title } = await open();
  await press('logged');
  wire.answers['GET /lineage'] = () => failure(404, '30404', 'Gone.');
  await press('Show Lineage');
  expect(node.querySelector('[role="alert"]')!.textContent).toContain('Gone.');
  expect(title()).toBe('wine');
  await press('Back');
  expect(node.querySelector('[role="alert"]')).toBeNull();
});
