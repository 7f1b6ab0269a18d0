import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { rest, Wire } from '../../__tests__/server';
import type { IAccount } from '../../api/models';
import { Users } from './users';

let wire: Wire;
let root: Root;
let node: HTMLElement;

const account = (change: Partial<IAccount> = {}): IAccount => ({
  kind: 'user',
  name: 'ada',
  admin: false,
  groups: ['lab'],
  members: 0,
  containers: 1,
  last_activity: '2026-12-03T12:00:00Z',
  limits: null,
  budgets: [],
  core_hours: 1.256,
  memory_gib_hours: 4,
  gpu_hours: 0,
  ...change
});

beforeEach(async () => {
  wire = new Wire();
  node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  wire.answers['GET /users'] = {
    items: [
      account({
        limits: { cpu: '2', core_hours: { hours: 10, hard: true } },
        budgets: [
          {
            meter: 'core_hours',
            kind: 'user',
            name: 'ada',
            hours: 10,
            hard: true,
            used: 9.5
          }
        ]
      }),
      account({ name: 'ben', admin: true, last_activity: null })
    ],
    next_cursor: null
  };
  wire.answers['GET /groups'] = {
    items: [account({ kind: 'group', name: 'lab', groups: [], members: 2 })],
    next_cursor: null
  };
  root.render(<Users client={wire.client('en', false)} isReachable={true} />);
  await rest();
});

afterEach(() => {
  root.unmount();
  node.remove();
});

const row = (name: string): HTMLElement =>
  node.querySelector(`[data-mlws-account="${name}"]`)!;
const press = async (name: string, label: string): Promise<void> => {
  row(name).querySelector<HTMLElement>(`[aria-label="${label}"]`)!.click();
  await rest();
};

async function type(name: string, text: string): Promise<void> {
  const input = node.querySelector<HTMLInputElement>(`input[name="${name}"]`)!;
  const { set } = Object.getOwnPropertyDescriptor(
    HTMLInputElement.prototype,
    'value'
  )!;
  set!.call(input, text);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await rest();
}

async function submit(): Promise<void> {
  node.querySelector<HTMLElement>('form button[type="submit"]')!.click();
  await rest();
}

it('shows users and groups with limits, budgets and usage', () => {
  expect(row('user ada').textContent).toContain('2 CPU');
  expect(row('user ada').textContent).toContain('1.26 / 4 / 0');
  const meter = row('user ada').querySelector('[role="meter"]')!;
  expect(meter.getAttribute('aria-valuetext')).toBe('9.5 of 10 (hard)');
  expect(row('user ben').textContent).toContain('ben (administrator)');
  expect(row('user ben').textContent).toContain('never');
  expect(row('group lab').textContent).toContain('2 members');
});

it('sends the limits of a form, and shows refusals at their fields', async () => {
  await press('user ben', 'Edit Limits of ben');
  await type('cpu', '-1');
  await type('core_hours', '100');
  wire.answers['PUT /limits/users/ben'] = () =>
    new Response(
      JSON.stringify({
        code: '50201',
        message: 'Invalid request.',
        details: {},
        solution: '',
        errors: [{ field: 'cpu', message: 'is not a valid amount' }]
      }),
      { status: 400 }
    );
  await submit();
  expect(node.querySelector('[role="alert"]')!.textContent).toBe(
    'is not a valid amount'
  );
  await type('cpu', '3');
  wire.answers['PUT /limits/users/ben'] = {};
  await submit();
  const sent = wire.requests.filter(one => one.method === 'PUT').at(-1)!;
  expect(sent.body).toEqual({
    cpu: '3',
    memory: null,
    gpu: null,
    containers: null,
    core_hours: { hours: 100, hard: false },
    memory_gib_hours: null,
    gpu_hours: null
  });
  expect(node.querySelector('form')).toBeNull();
});

it('filters on the server and removes limits', async () => {
  wire.answers['DELETE /limits/users/ada'] = null;
  await press('user ada', 'Remove Limits of ada');
  const { method, url } = wire.requests.find(one => one.method === 'DELETE')!;
  expect([method, url.pathname.split('/').slice(-3)]).toEqual([
    'DELETE',
    ['limits', 'users', 'ada']
  ]);
  const search = node.querySelector<HTMLInputElement>('input[type="search"]')!;
  const { set } = Object.getOwnPropertyDescriptor(
    HTMLInputElement.prototype,
    'value'
  )!;
  set!.call(search, 'la');
  search.dispatchEvent(new Event('input', { bubbles: true }));
  await rest();
  const paths = wire.requests
    .filter(({ url }) => url.searchParams.get('q') === 'la')
    .map(({ url }) => url.pathname.split('/').at(-1));
  expect(paths.sort()).toEqual(['groups', 'users']);
});
