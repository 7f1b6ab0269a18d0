import { afterEach, beforeEach, expect, it } from 'vitest';

import { failure, rest, show as attach, Wire } from '../../__tests__/server';
import type { ITeamProject } from '../../api/models';
import type { ServerView } from '../../ui/server';
import { teamView } from './section';

const since = '2026-01-01T00:00:00Z';

function project(change: Partial<ITeamProject> = {}): ITeamProject {
  return {
    name: 'wine',
    description: 'Red and white',
    role: 'owner',
    members: [
      { user: 'tess', role: 'owner', since },
      { user: 'tom', role: 'writer', since }
    ],
    created_at: since,
    trashed_at: null,
    git_url: 'http://hub/git/wine.git',
    data_url: 'http://hub/data/wine',
    tracking_url: null,
    ...change
  };
}

let wire: Wire;
let view: ServerView;
let asked: string[];

async function show(...items: ITeamProject[]): Promise<void> {
  wire.answers['GET /team/projects'] = { items, next_cursor: null };
  const client = wire.client('en', false);
  const tell = (what: string) => (one: ITeamProject) =>
    void asked.push(`${what} ${one.name}`);
  const host = {
    clone: tell('clone'),
    connect: tell('connect'),
    leave: tell('leave'),
    delete: tell('delete'),
    restore: tell('restore')
  };
  view = teamView({ client, host });
  await attach(view);
}

beforeEach(() => {
  wire = new Wire();
  asked = [];
});

afterEach(() => {
  view.dispose();
});

const named = (label: string) =>
  view.node.querySelector<HTMLElement>(`[aria-label="${label}"]`);

async function choose(label: string, value: string): Promise<void> {
  const select = named(label) as HTMLSelectElement;
  select.value = value;
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await rest();
}

async function open(): Promise<void> {
  const details = view.node.querySelector('details')!;
  details.open = true;
  details.dispatchEvent(new Event('toggle'));
  await rest();
}

it('offers what the role allows', async () => {
  await show(project(), project({ name: 'beer', role: 'reader' }));
  expect(named('Clone beer')).not.toBeNull();
  expect(named('Share the current project as beer')).toBeNull();
  expect(named('Delete beer')).toBeNull();
  expect(named('Leave beer')).not.toBeNull();
  expect(named('Leave wine')).toBeNull();
  named('Clone wine')!.click();
  named('Delete wine')!.click();
  expect(asked).toEqual(['clone wine', 'delete wine']);
});

it('has of what is in the trash the way back and the way out', async () => {
  await show(project({ trashed_at: since }));
  expect(view.node.textContent).toContain('In trash');
  expect(named('Clone wine')).toBeNull();
  named('Restore wine')!.click();
  named('Delete wine')!.click();
  expect(asked).toEqual(['restore wine', 'delete wine']);
});

it('changes a role when it is applied, and says why it is refused', async () => {
  await show(project());
  await open();
  wire.answers['PUT /team/projects/wine/members/tess'] = failure(
    409,
    '10207',
    'The last owner'
  );
  await choose('Role of tess', 'reader');
  expect(wire.requests.map(({ method }) => method)).toEqual(['GET']);
  named('Apply change for tess')!.click();
  await rest();
  const sent = wire.requests.find(({ method }) => method === 'PUT')!;
  expect(sent.body).toEqual({ role: 'reader' });
  expect(view.node.textContent).toContain('The last owner');
  named('Undo change for tess')!.click();
  await rest();
  expect((named('Role of tess') as HTMLSelectElement).value).toBe('owner');
});

it('removes a member only when that is applied', async () => {
  await show(project());
  await open();
  wire.answers['DELETE /team/projects/wine/members/tom'] = null;
  named('Remove tom')!.click();
  await rest();
  expect(wire.requests.map(({ method }) => method)).toEqual(['GET']);
  named('Apply change for tom')!.click();
  await rest();
  expect(wire.requests.map(({ method }) => method)).toEqual([
    'GET',
    'DELETE',
    'GET'
  ]);
});
