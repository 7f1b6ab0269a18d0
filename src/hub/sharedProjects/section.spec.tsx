import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { failure, settle, Wire } from '../../__tests__/server';
import type { ITeamProject } from '../../api/models';
import { TeamModel } from './model';
import { TeamView } from './section';

const trans = nullTranslator.load('jupyter_mlws');
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
let view: TeamView;
let asked: string[];

async function show(...items: ITeamProject[]): Promise<void> {
  wire.answers['GET /team/projects'] = { items, next_cursor: null };
  const model = new TeamModel(wire.client('en', false));
  const tell = (what: string) => (one: ITeamProject) =>
    void asked.push(`${what} ${one.name}`);
  const host = {
    clone: tell('clone'),
    connect: tell('connect'),
    leave: tell('leave'),
    delete: tell('delete'),
    restore: tell('restore')
  };
  view = new TeamView(model, host, trans);
  Widget.attach(view, document.body);
  model.active = true;
  await settle();
}

beforeEach(() => {
  wire = new Wire();
  asked = [];
});

afterEach(() => {
  view.model.dispose();
  view.dispose();
});

const named = (label: string) =>
  view.node.querySelector<HTMLElement>(`[aria-label="${label}"]`);

async function choose(label: string, value: string): Promise<void> {
  const select = named(label) as HTMLSelectElement;
  select.value = value;
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await settle();
}

async function open(): Promise<void> {
  const details = view.node.querySelector('details')!;
  details.open = true;
  details.dispatchEvent(new Event('toggle'));
  await settle();
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
  await settle();
  const sent = wire.requests.find(({ method }) => method === 'PUT')!;
  expect(sent.body).toEqual({ role: 'reader' });
  expect(view.node.textContent).toContain('The last owner');
  named('Undo change for tess')!.click();
  await settle();
  expect((named('Role of tess') as HTMLSelectElement).value).toBe('owner');
});

it('removes a member only when that is applied', async () => {
  await show(project());
  await open();
  wire.answers['DELETE /team/projects/wine/members/tom'] = null;
  named('Remove tom')!.click();
  await settle();
  expect(wire.requests.map(({ method }) => method)).toEqual(['GET']);
  named('Apply change for tom')!.click();
  await settle();
  expect(wire.requests.map(({ method }) => method)).toEqual([
    'GET',
    'DELETE',
    'GET'
  ]);
});
