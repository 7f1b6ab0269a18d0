import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { container, report } from '../../__tests__/containers';
import { failure, rest, Wire } from '../../__tests__/server';
import { ContainersModel } from '../containers/model';
import type { ISharedPage, IStorageReport, IVolume } from '../../api/models';
import { Page } from './page';
import { PageTheme } from './theme';

let wire: Wire;
let root: Root;
let node: HTMLElement;

const volume: IVolume = {
  name: 'mlws-home-ada',
  user: 'ada',
  created_at: '2026-11-25T12:00:00Z',
  trashed_at: null,
  purge_at: null,
  size: 5_000_000,
  measured_at: null,
  node: null,
  quota: null,
  in_use: false
};

const storage: IStorageReport = {
  homes: { count: 1, size: 5_000_000 },
  trash: { count: 0, size: 0 },
  environments: { count: 0, size: 0 },
  images: { count: 2, size: 3_000_000_000 },
  alerts: []
};

const page: ISharedPage = {
  id: 'p1',
  title: 'forest <b>',
  kind: 'run',
  owner: 'ada',
  audience: 'link',
  name: '',
  created_at: '2026-11-25T12:00:00Z',
  expires: '2099-11-25T12:00:00Z',
  size: 2000,
  url: '/services/mlws/pages/p1'
};

beforeEach(() => {
  wire = new Wire();
  node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  wire.answers['GET /resources'] = report;
  wire.answers['GET /notices'] = { items: [], next_cursor: null };
  wire.answers['GET /storage'] = storage;
  wire.answers['GET /volumes'] = { items: [volume], next_cursor: null };
  wire.answers['GET /pages'] = { items: [page], next_cursor: null };
  wire.answers['GET /resources/hours'] = { days: 30, items: [] };
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
  location.hash = '';
  root.unmount();
  node.remove();
});

async function open(admin = true): Promise<void> {
  const model = new ContainersModel(wire.client('en', false));
  const config = {
    baseUrl: '/services/mlws/',
    hubUrl: '/hub/',
    user: 'root',
    admin,
    language: 'en',
    xsrf: ''
  };
  root.render(<Page model={model} config={config} theme={new PageTheme()} />);
  await rest();
  wire.sockets[0].say({ type: 'hello', seq: 1 });
  await rest();
}

const find = <T extends HTMLElement>(selector: string) =>
  node.querySelector<T>(selector)!;
const press = async (tab: string): Promise<void> => {
  find(`[data-mlws-tab="${tab}"]`).click();
  await rest();
};
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
    '0.5 used, 2 allocated, 8 total'
  );
  expect(find('.jp-mlws-Queue').textContent).toContain(
    'No containers in the queue.'
  );
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
  await rest();
  expect(find('dialog').textContent).toContain('The home folder is kept.');
  find<HTMLButtonElement>('dialog .jp-mod-reject').click();
  await rest();
  expect(wire.requests).toHaveLength(asked);
  action('ada--default', 'delete').click();
  await rest();
  find<HTMLButtonElement>('[data-mlws-action="confirm"]').click();
  await rest();
  expect(row('ada--default').dataset.mlwsStatus).toBe('STOPPING');
  expect(find('dialog')).toBeNull();
});

it('starts without asking, and shows why it was refused', async () => {
  await open();
  wire.answers['POST /containers/bob--default/start'] = () =>
    failure(409, '10101', 'Not enough memory.');
  action('bob--default', 'start').click();
  await rest();
  expect(find('.jp-mlws-Failure').textContent).toContain('Not enough memory.');
});

it('sorts by a column, and says so', async () => {
  await open();
  const heading = find('[data-mlws-column="user"]');
  expect(heading.getAttribute('aria-sort')).toBe('ascending');
  find<HTMLButtonElement>('[data-mlws-column="user"] button').click();
  await rest();
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
  await rest();
  expect(row('ada--default').dataset.mlwsStatus).toBe('STOPPED');
  expect(find('.jp-mlws-LiveRegion').textContent).toBe(
    'ada / default: stopped'
  );
});

it('says when the connection is lost', async () => {
  await open();
  wire.sockets[0].break();
  await rest();
  expect(node.textContent).toContain('Connection lost. Reconnecting…');
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
  await rest();
  expect(find('[role="log"]').textContent).toContain('Serving');
  expect(wire.sockets[2].url).toContain('/logs/ada--default?since=1');
  find<HTMLButtonElement>('[data-mlws-action="close"]').click();
  await rest();
  expect(wire.sockets[2].closed).toBe(true);
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

it('moves what waits, and takes it out', async () => {
  const waiting = (position: number) => ({
    id: `p${position}--default`,
    user: `p${position}`,
    position,
    priority: 0,
    resources: { cpu: '1', memory: '1Gi', gpu: null },
    since: '2026-11-25T12:00:00Z',
    eta_seconds: null
  });
  wire.answers['GET /resources'] = { ...report, queue: [1, 2].map(waiting) };
  wire.answers['PUT /resources/queue/p2--default'] = container();
  wire.answers['DELETE /resources/queue/p1--default'] = container();
  await open();
  const press = async (id: string, name: string) => {
    const place = `[data-mlws-waiting="${id}"] [data-mlws-action="${name}"]`;
    expect(find<HTMLButtonElement>(place).disabled).toBe(false);
    find<HTMLButtonElement>(place).click();
    await rest();
  };
  await press('p2--default', 'up');
  expect(wire.requests.at(-1)!.body).toEqual({ position: 1 });
  await press('p1--default', 'close');
  expect(wire.requests.at(-1)!.method).toBe('DELETE');
});

it('moves a volume to the trash, restores it, and asks before it goes for good', async () => {
  const trashed = {
    ...volume,
    trashed_at: '2026-11-25T13:00:00Z',
    purge_at: '2026-12-25T13:00:00Z'
  };
  wire.answers['POST /volumes/mlws-home-ada/trash'] = trashed;
  wire.answers['DELETE /volumes/mlws-home-ada'] = null;
  await open();
  await press('storage');
  const act = async (name: string) => {
    find<HTMLButtonElement>(
      `[data-mlws-volume] [data-mlws-action="${name}"]`
    ).click();
    await rest();
  };
  expect(find('[data-mlws-volume]').textContent).toContain('5 MB');
  wire.answers['GET /volumes'] = { items: [trashed], next_cursor: null };
  await act('trash');
  expect(find('[data-mlws-volume]').dataset.mlwsStatus).toBe('TRASHED');
  await act('delete');
  expect(find('dialog').textContent).toContain("can't be undone");
  wire.answers['GET /volumes'] = { items: [], next_cursor: null };
  find<HTMLButtonElement>('[data-mlws-action="confirm"]').click();
  await rest();
  expect(node.querySelector('[data-mlws-volume]')).toBeNull();
});

it('stops several containers together, those that are shown', async () => {
  const names = ['a', 'b', 'c'];
  wire.answers['GET /containers'] = {
    items: names.map(name => container({ name })),
    next_cursor: null
  };
  for (const name of names) {
    wire.answers[`POST /containers/ada--${name}/stop`] = container({
      name,
      status: 'STOPPING',
      updated_at: '2026-11-25T12:02:00Z'
    });
  }
  await open();
  expect(node.querySelector('[data-mlws-bulk]')).toBeNull();
  find<HTMLInputElement>('[data-mlws-action="choose-all"]').click();
  await rest();
  find<HTMLInputElement>(
    '[data-mlws-container="ada--b"] input[type="checkbox"]'
  ).click();
  await rest();
  expect(find<HTMLButtonElement>('[data-mlws-bulk="start"]').disabled).toBe(
    true
  );
  find<HTMLButtonElement>('[data-mlws-bulk="stop"]').click();
  await rest();
  expect(find('dialog').textContent).toContain('Stop 2 containers?');
  find<HTMLButtonElement>('dialog [data-mlws-action="confirm"]').click();
  await rest();
  const asked = wire.requests.filter(one => one.method === 'POST');
  expect(asked.map(one => one.url.pathname.split('/').at(-2))).toEqual([
    'ada--a',
    'ada--c'
  ]);
  expect(node.querySelector('[data-mlws-bulk]')).toBeNull();
});

it('lists shared pages, and stops sharing one only after a confirmation', async () => {
  await open();
  await press('pages');
  const shared = () => find('[data-mlws-page="p1"]');
  expect(shared().textContent).toContain('everybody with the link');
  expect(shared().querySelector('a')!.textContent).toBe('forest <b>');
  const stop = () =>
    shared().querySelector<HTMLElement>('[data-mlws-action="delete"]')!.click();
  const answer = async (label: string) => {
    await rest();
    [...node.querySelectorAll('button')]
      .find(one => one.textContent === label)!
      .click();
    await rest();
  };
  const deletions = () =>
    wire.requests.filter(({ method }) => method === 'DELETE').length;
  stop();
  await answer('Cancel');
  expect(deletions()).toBe(0);
  wire.answers['DELETE /pages/p1'] = null;
  wire.answers['GET /pages'] = { items: [], next_cursor: null };
  stop();
  await answer('Stop Sharing');
  expect(deletions()).toBe(1);
  expect(node.textContent).toContain('Nothing is shared.');
});

it('shows what was done, filtered by the server, and what is set', async () => {
  const entry = {
    id: 7,
    time: '2026-11-25T12:00:00Z',
    actor: 'ada',
    action: 'container.start',
    target: 'ada--default',
    details: { image: 'Lab' }
  };
  wire.answers['GET /audit'] = { items: [entry], next_cursor: '7' };
  wire.answers['GET /settings'] = {
    items: [
      {
        name: 'port',
        variable: 'HUB_PORT',
        value: '9000',
        changed: true,
        about: { en: 'Port of the Hub.', 'zh-CN': 'Hub 的端口。' }
      },
      {
        name: 'swarm',
        variable: 'HUB_SWARM',
        value: '',
        changed: false,
        about: { en: 'Swarm.', 'zh-CN': 'Swarm。' }
      }
    ],
    next_cursor: null
  };
  await open();
  await press('audit');
  expect(find('[data-mlws-entry]').textContent).toContain(
    'adacontainer startedada--defaultimage: Lab'
  );
  wire.answers['GET /audit'] = {
    items: [{ ...entry, id: 6, action: 'new.action' }],
    next_cursor: null
  };
  [...node.querySelectorAll('button')]
    .find(one => one.textContent === 'Show More')!
    .click();
  await rest();
  expect(node.querySelectorAll('[data-mlws-entry]')).toHaveLength(2);
  expect(node.textContent).toContain('new.action');
  expect(node.textContent).not.toContain('Show More');

  await press('settings');
  expect(location.hash).toBe('#settings');
  expect(find('[data-mlws-setting="port"]').textContent).toBe(
    'port9000Port of the Hub.'
  );
  expect(node.querySelector('[data-mlws-setting="swarm"]')).toBeNull();
  find<HTMLInputElement>('input[type="checkbox"]').click();
  await rest();
  expect(find('[data-mlws-setting="swarm"]').textContent).toContain('Swarm.');
});

it('has no log and no settings for others than administrators', async () => {
  location.hash = '#audit';
  await open(false);
  expect(
    [...node.querySelectorAll<HTMLElement>('[role="tab"]')].map(
      one => one.dataset.mlwsTab
    )
  ).toEqual(['containers', 'usage', 'storage', 'pages']);
  expect(find('.jp-mlws-Containers')).not.toBeNull();
});
