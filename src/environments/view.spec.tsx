import type { ISessionContext } from '@jupyterlab/apputils';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { failure, fake, project, rest, show, Wire } from '../__tests__/server';
import type { MLWSClient } from '../api/client';
import { followProject } from '../api/invalidation';
import type { ServerView } from '../ui/server';
import { State } from '../ui/state';
import { EnvironmentActions, type IEnvironmentHost } from './actions';
import { splitPackages } from './labels';
import { environmentsView } from './view';

const environment = {
  name: 'torch',
  tool: 'uv',
  files: ['envs/torch/pyproject.toml'],
  lock: 'envs/torch/uv.lock',
  prefix: 'envs/torch/.venv',
  state: 'changed',
  kernel: 'env-torch',
  needs_ipykernel: false
};
const detail = {
  ...environment,
  packages: Object.fromEntries(
    ['six', ...'abcdefghi'].map(name => [name, '1.0'])
  ),
  required: ['six'],
  differences: [{ name: 'six', version: '1.0', locked: '2.0' }],
  size: 2_000_000,
  used_by: [
    { kind: 'node', path: 'flow/dvc.yaml', name: 'train' },
    { kind: 'notebook', path: 'notes/a.ipynb', name: 'a.ipynb' }
  ]
};

let wire: Wire;
let client: MLWSClient;
let view: ServerView;
let actions: EnvironmentActions;
let opened: string[];
let kernelLists: number;

beforeEach(() => {
  wire = new Wire();
  client = wire.client();
  followProject(client);
  client.project = project;
  opened = [];
  kernelLists = 0;
  wire.answers['GET /envs'] = { items: [environment], next_cursor: null };
  wire.answers['GET /envs/torch'] = detail;
  const host: IEnvironmentHost = {
    openFile: path => void opened.push(path),
    openUse: ({ path, name }) => void opened.push(`${path} ${name}`),
    newNotebook: ({ kernel }) => void opened.push(kernel),
    refreshKernels: async () => {
      kernelLists += 1;
    }
  };
  const expanded = new State<ReadonlySet<string>>(new Set(['torch']));
  actions = new EnvironmentActions(client, host, expanded);
  view = environmentsView({ client, actions });
});

afterEach(() => {
  view.dispose();
});

const requestsTo = (method: string, path: string) =>
  wire.requests.filter(
    one => one.method === method && one.url.pathname.endsWith(path)
  );

const press = async (label: string, within: ParentNode = view.node) => {
  const buttons = [...within.querySelectorAll('button')];
  buttons.find(one => one.textContent === label)!.click();
  await rest();
};

async function type(name: string, text: string): Promise<void> {
  const input = document.querySelector<HTMLInputElement>(`[name="${name}"]`)!;
  const { set } = Object.getOwnPropertyDescriptor(
    HTMLInputElement.prototype,
    'value'
  )!;
  set!.call(input, text);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await rest();
}

/** Answers of an operation that is running; returns how to end it. */
function operation(start: string): (state: string) => Promise<void> {
  let state = 'RUNNING';
  wire.answers[start] = { id: 'work', state: 'PENDING' };
  wire.answers['GET /operations/work'] = () => ({
    id: 'work',
    state,
    done: 0,
    total: null,
    message: ' + six==2.0',
    result: {},
    error: { message: 'No such package.' }
  });
  return async end => {
    state = end;
    wire.sockets
      .find(({ url }) => url.includes('operations'))!
      .say({ type: 'operation', seq: 1, id: 'work', state });
    await rest();
  };
}

it('shows packages, what differs from the lock, and what uses an environment', async () => {
  const node = await show(view);
  const row = node.querySelector('[data-mlws-row]')!;
  expect(row.textContent).toContain('Differs from lock');
  expect(
    node.querySelector('[data-mlws-difference="six"]')!.textContent
  ).toContain('six 1.0 → 2.0');
  expect(node.textContent).toContain('10 packages, 2 MB');
  await press('train');
  await press('a.ipynb');
  await press('envs/torch/uv.lock');
  await press('New Notebook');
  expect(opened).toEqual([
    'flow/dvc.yaml train',
    'notes/a.ipynb a.ipynb',
    'envs/torch/uv.lock',
    'env-torch'
  ]);
  const names = () =>
    [...node.querySelectorAll<HTMLElement>('[data-mlws-package]')].map(
      one => one.dataset.mlwsPackage
    );
  // The package that was requestsTo for is first, and the only one that can be removed.
  expect(names()[0]).toBe('six');
  expect(node.querySelectorAll('[aria-label^="Remove"]')).toHaveLength(1);
  const filter = node.querySelector<HTMLInputElement>('[type="search"]')!;
  filter.name = 'filter';
  await type('filter', 'SI');
  expect(names()).toEqual(['six']);
});

it('installs with the lines of the program, and reads the list and the kernels again', async () => {
  const end = operation('POST /envs/torch/sync');
  const node = await show(view);
  await press('Install');
  expect(node.querySelector('[role="log"]')!.textContent).toBe(' + six==2.0');
  expect(node.querySelector('[data-mlws-action="cancel"]')).not.toBeNull();
  await end('COMPLETED');
  expect(node.querySelector('[role="log"]')).toBeNull();
  expect(requestsTo('GET', '/envs')).toHaveLength(2);
  expect(requestsTo('GET', '/envs/torch')).toHaveLength(2);
  expect(kernelLists).toBe(1);
});

it('creates an environment, with errors at their fields', async () => {
  wire.answers['GET /envs'] = { items: [], next_cursor: null };
  const node = await show(view);
  expect(node.textContent).toContain('An environment has the packages that');
  await press('Create Environment…');
  expect(document.querySelector('[name="name"]')).toHaveProperty(
    'value',
    'project'
  );
  await type('name', 'no good');
  await type('packages', 'six, pandas >= 2, <3');
  wire.answers['POST /envs'] = () =>
    new Response(
      JSON.stringify({
        code: '20001',
        message: 'Invalid.',
        errors: [{ field: 'name', message: 'has a space' }],
        details: {},
        solution: '',
        timestamp: ''
      }),
      { status: 422 }
    );
  await press('Create', document);
  const alert = document.querySelector('.jp-Dialog [role="alert"]')!;
  expect(alert.textContent).toBe('has a space');
  const end = operation('POST /envs');
  await type('name', 'torch');
  await press('Create', document);
  expect(requestsTo('POST', '/envs')[1].body).toEqual({
    name: 'torch',
    python: null,
    packages: ['six', 'pandas>=2,<3']
  });
  expect(document.querySelector('.jp-Dialog')).toBeNull();
  await end('FAILED');
  expect(node.textContent).toContain('No such package.');
});

it('reads again after a change of files, and keeps the list if that fails', async () => {
  const node = await show(view);
  const say = async (seq: number, area: string) => {
    wire.sockets
      .find(({ url }) => url.includes('workspace'))!
      .say({ type: 'workspace', seq, areas: [area] });
    await rest();
  };
  await say(1, 'history');
  expect(requestsTo('GET', '/envs')).toHaveLength(1);
  await say(2, 'environments');
  expect(requestsTo('GET', '/envs')).toHaveLength(2);
  wire.answers['GET /envs'] = () => failure(500, '50101', 'Our fault.');
  await say(3, 'environments');
  expect(node.textContent).toContain('Our fault.');
  expect(node.querySelector('[data-mlws-environment]')).not.toBeNull();
});

it('adds ipykernel for a notebook whose kernel cannot start without it', async () => {
  const calls: string[] = [];
  const context = fake<ISessionContext>({
    isDisposed: false,
    shutdown: async () => void calls.push('shutdown'),
    changeKernel: async ({ name }: { name: string }) => void calls.push(name)
  });
  wire.answers['GET /envs'] = {
    items: [{ ...environment, needs_ipykernel: true }],
    next_cursor: null
  };
  const end = operation('POST /envs/torch/add');
  const offered = actions.offerKernel(context, 'env-torch');
  await rest();
  const button = document.querySelector<HTMLElement>(
    '.jp-Dialog .jp-mod-accept'
  )!;
  expect(button.textContent).toContain('Add ipykernel');
  button.click();
  await rest();
  await end('COMPLETED');
  await offered;
  expect(requestsTo('POST', '/add')[0].body).toEqual({
    packages: ['ipykernel']
  });
  expect(calls).toEqual(['shutdown', 'env-torch']);
});

it('splits packages as people write them', () => {
  expect(splitPackages(' a  b==1 c >= 2, < 3,d[x, y],  e ')).toEqual([
    'a',
    'b==1',
    'c>=2,<3',
    'd[x, y]',
    'e'
  ]);
});
