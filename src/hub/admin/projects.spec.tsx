import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { rest, Wire } from '../../__tests__/server';
import type { IStoredProject } from '../../api/models';
import type { IQuestion } from '../containers/labels';
import { SharedProjects } from './projects';

const since = '2026-01-01T00:00:00Z';

const project = (change: Partial<IStoredProject> = {}): IStoredProject => ({
  name: 'wine',
  description: 'Red and white',
  role: 'owner',
  members: [
    { user: 'ada', role: 'owner', since },
    { user: 'ben', role: 'writer', since }
  ],
  created_at: since,
  trashed_at: null,
  git_url: 'http://hub/git/wine.git',
  data_url: 'http://hub/data/wine',
  tracking_url: null,
  size: 3 * 1024 ** 2,
  quota: 50 * 1024 ** 3,
  ...change
});

let wire: Wire;
let root: Root;
let node: HTMLElement;
let questions: IQuestion[];

beforeEach(async () => {
  wire = new Wire();
  questions = [];
  node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  wire.answers['GET /storage/projects'] = {
    items: [project(), project({ name: 'old', trashed_at: since })],
    next_cursor: null
  };
  const confirm = async (question: IQuestion): Promise<boolean> => {
    questions.push(question);
    return true;
  };
  root.render(
    <SharedProjects
      client={wire.client('en', false)}
      confirm={confirm}
      isReachable={true}
    />
  );
  await rest();
});

afterEach(() => {
  root.unmount();
  node.remove();
});

const press = async (label: string): Promise<void> => {
  node.querySelector<HTMLElement>(`[aria-label="${label}"]`)!.click();
  await rest();
};

const changes = (): Wire['requests'] =>
  wire.requests.filter(({ method }) => method !== 'GET');

it('shows owners, members and sizes', () => {
  const text = node.querySelector('[data-mlws-shared-project="wine"]')!;
  expect(text.textContent).toContain('ada2 members');
});

it('opens the members, who can be changed', async () => {
  await press('Members of wine');
  expect(node.querySelectorAll('[data-mlws-member]')).toHaveLength(2);
  expect(node.querySelector('[aria-label="Add member to wine"]')).toBeTruthy();
});

it('asks before it moves a project to the trash, and repeats its name', async () => {
  wire.answers['DELETE /team/projects/wine'] = null;
  await press('Move wine to Trash');
  expect(questions[0].title).toBe('Move wine to Trash?');
  const [{ method, url }] = changes();
  expect(method).toBe('DELETE');
  expect(url.pathname).toContain('/team/projects/wine');
  expect(url.searchParams.get('confirm')).toBe('wine');
});

it('restores from the trash without a question', async () => {
  wire.answers['POST /team/projects/old/restore'] = project({ name: 'old' });
  await press('Restore old');
  expect(questions).toEqual([]);
  expect(changes()).toHaveLength(1);
});
