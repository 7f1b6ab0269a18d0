import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { container, report } from '../__tests__/containers';
import { failure, settle, Wire } from '../__tests__/server';
import { ContainersModel } from '../containers/model';
import { Page } from './page';
import { PageTheme } from './theme';

let wire: Wire;
let root: Root;
let node: HTMLElement;
let model: ContainersModel;

beforeEach(() => {
  wire = new Wire();
  node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  wire.answers['GET /resources'] = report;
  wire.answers['GET /containers'] = {
    items: [
      container(),
      container({
        user: 'bob',
        status: 'CRASHED',
        reason: 'Out of memory',
        last_log: ['Killed'],
        url: null
      })
    ],
    next_cursor: null
  };
});

afterEach(() => {
  root.unmount();
  node.remove();
  model.dispose();
});

async function open(admin = true): Promise<void> {
  const client = wire.client('en', false);
  model = new ContainersModel(client);
  const config = {
    baseUrl: '/services/mlws/',
    user: 'root',
    admin,
    language: 'en',
    xsrf: ''
  };
  root.render(
    <Page
      model={model}
      client={client}
      config={config}
      theme={new PageTheme()}
    />
  );
  model.active = true;
  await settle();
  wire.sockets[0].say({ type: 'hello', seq: 1 });
  await settle();
}

const find = <T extends HTMLElement>(selector: string) =>
  node.querySelector<T>(selector)!;
const row = (id: string) => find(`[data-mlws-container="${id}"]`);
const action = (id: string, name: string) =>
  find<HTMLButtonElement>(
    `[data-mlws-container="${id}"] [data-mlws-action="${name}"]`
  );
const rows = () =>
  [...node.querySelectorAll<HTMLElement>('[data-mlws-container]')].map(
    one => one.dataset.mlwsContainer
  );

it('shows machines, the empty queue, and every container with its state in words', async () => {
  await open();
  expect(find('.jp-mlws-Node').textContent).toContain(
    '0.5 used, 2 allocated of 8'
  );
  expect(find('.jp-mlws-Queue').textContent).toContain('Nobody waits');
  expect(row('ada--default').dataset.mlwsStatus).toBe('RUNNING');
  expect(row('ada--default').textContent).toContain('running');
  const notes = row('bob--default').nextElementSibling?.textContent;
  expect(notes).toContain('Out of memory');
  expect(notes).toContain('Killed');
});

it('offers only what makes sense in a state', async () => {
  await open();
  const offered = (id: string) =>
    ['start', 'stop', 'restart', 'delete', 'logs'].filter(
      name => !action(id, name).disabled
    );
  expect(offered('ada--default')).toEqual([
    'stop',
    'restart',
    'delete',
    'logs'
  ]);
  expect(offered('bob--default')).toEqual(['start', 'delete', 'logs']);
});

it('asks before it deletes, saying what is kept, and does nothing on Cancel', async () => {
  await open();
  wire.answers['DELETE /containers/ada--default'] = container({
    status: 'STOPPING'
  });
  const asked = wire.requests.length;
  action('ada--default', 'delete').click();
  await settle();
  expect(find('dialog').textContent).toContain(
    'home with all its files is kept'
  );
  find<HTMLButtonElement>('dialog .jp-mod-reject').click();
  await settle();
  expect(wire.requests).toHaveLength(asked);
  action('ada--default', 'delete').click();
  await settle();
  find<HTMLButtonElement>('[data-mlws-action="confirm"]').click();
  await settle();
  expect(row('ada--default').dataset.mlwsStatus).toBe('STOPPING');
  expect(find('dialog')).toBeNull();
});

it('starts without asking, and shows why it was refused', async () => {
  await open();
  wire.answers['POST /containers/bob--default/start'] = () =>
    failure(409, '10101', 'Not enough memory.');
  action('bob--default', 'start').click();
  await settle();
  expect(find('.jp-mlws-Failure').textContent).toContain('Not enough memory.');
});

it('sorts by a column, and says so', async () => {
  await open();
  const heading = find('[data-mlws-column="user"]');
  expect(heading.getAttribute('aria-sort')).toBe('ascending');
  find<HTMLButtonElement>('[data-mlws-column="user"] button').click();
  await settle();
  expect(heading.getAttribute('aria-sort')).toBe('descending');
  expect(rows()).toEqual(['bob--default', 'ada--default']);
});

it('tells what moves in a live region, and by row', async () => {
  await open();
  wire.sockets[0].say({
    type: 'container',
    seq: 2,
    container: container({ status: 'STOPPED', updated_at: '2026-11-26' })
  });
  await settle();
  expect(row('ada--default').dataset.mlwsStatus).toBe('STOPPED');
  expect(find('.jp-mlws-LiveRegion').textContent).toBe(
    'ada / default: stopped'
  );
});

it('says when the connection is lost', async () => {
  await open();
  wire.sockets[0].break();
  await settle();
  expect(node.textContent).toContain('The connection is lost.');
});

it('shows a queue with place, owner and what is waited for', async () => {
  wire.answers['GET /resources'] = {
    ...report,
    queue: [
      {
        id: 'cid--big',
        user: 'cid',
        position: 1,
        priority: 0,
        resources: { cpu: '4', memory: '8Gi', gpu: '1' },
        since: '2026-11-25T12:00:00Z',
        eta_seconds: 90
      }
    ]
  };
  await open();
  const text = find('.jp-mlws-Queue tbody').textContent;
  expect(text).toContain('cid');
  expect(text).toContain('4 CPU · 8 GiB · 1 GPU');
  expect(text).toContain('about 1:30 min');
});

it('opens the log of a container and closes it', async () => {
  wire.answers['GET /containers/ada--default/logs'] = {
    lines: [{ seq: 1, stream: 'stderr', text: 'Serving', time: '' }]
  };
  await open();
  action('ada--default', 'logs').click();
  await settle();
  expect(find('[role="log"]').textContent).toContain('Serving');
  expect(wire.sockets[1].url).toContain('/logs/ada--default?since=1');
  find<HTMLButtonElement>('[data-mlws-action="close"]').click();
  await settle();
  expect(wire.sockets[1].closed).toBe(true);
});

it('speaks to a person who is no administrator of their own containers', async () => {
  wire.answers['GET /containers'] = { items: [], next_cursor: null };
  await open(false);
  expect(find('#mlws-containers').textContent).toBe('My containers');
  expect(node.textContent).toContain('You have no container yet.');
});

it('shows why nothing can be read, and a way to sign in', async () => {
  wire.answers['GET /containers'] = () => failure(403, '50301', 'Signed out.');
  await open();
  expect(find('[role="alert"]').textContent).toContain('Signed out.');
  expect(find<HTMLAnchorElement>('.jp-mlws-Note a').pathname).toBe(
    '/services/mlws/'
  );
});
