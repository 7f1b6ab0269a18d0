import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { report } from '../../__tests__/containers';
import { failure, rest, Wire } from '../../__tests__/server';
import type {
  IDisk,
  IImageUse,
  INotice,
  IUsageHistory,
  IVolume
} from '../../api/models';
import { Announcements, localTime } from './announcements';
import { Images } from './images';
import { Machines } from './machines';
import { Storage } from './storage';
import { UsageCharts } from './usageCharts';
import { Volumes } from './volumes';

const GIB = 1024 ** 3;
let wire: Wire;
let root: Root;
let node: HTMLElement;
let isConfirmed: boolean;

const confirm = () => Promise.resolve(isConfirmed);
const disk: IDisk = {
  total: 100 * GIB,
  free: 40 * GIB,
  reserve: 5 * GIB,
  is_low: false
};

const image = (change: Partial<IImageUse> = {}): IImageUse => ({
  id: 'image:Spare',
  name: 'Spare',
  image: 'mlws-spare',
  default: false,
  environment: null,
  user: null,
  base: null,
  present: true,
  size: 2_000_000_000,
  created: '2026-11-25T12:00:00Z',
  running: [],
  stopped: [],
  ...change
});

const volume = (user: string, size: number | null): IVolume => ({
  name: `mlws-home-${user}`,
  user,
  created_at: '2026-11-25T12:00:00Z',
  trashed_at: null,
  purge_at: null,
  size,
  measured_at: null,
  node: null,
  quota: null,
  in_use: false
});

beforeEach(() => {
  wire = new Wire();
  node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  isConfirmed = true;
});

afterEach(() => {
  root.unmount();
  node.remove();
});

async function draw(view: JSX.Element): Promise<void> {
  root.render(view);
  await rest();
}

const find = <T extends HTMLElement>(selector: string) =>
  node.querySelector<T>(selector)!;
const press = async (label: string): Promise<void> => {
  [...node.querySelectorAll('button')]
    .find(one => one.textContent === label)!
    .click();
  await rest();
};
const page = <T,>(items: T[], next_cursor: string | null = null) => ({
  items,
  next_cursor
});
const client = () => wire.client('en', false);
const lists = { confirm, isReachable: true };

it('warns in red when less than the reserve is free', async () => {
  const [machine] = report.nodes;
  await draw(<Machines machines={[{ ...machine, disk }]} />);
  expect(node.textContent).toContain(
    '40.0 GiB free of 100 GiB'.replace('.0', '')
  );
  expect(find('[role="alert"]')).toBeNull();
  const low = { ...disk, free: GIB, is_low: true };
  await draw(<Machines machines={[{ ...machine, disk: low }]} />);
  expect(find('.jp-mod-error').textContent).toContain('No container starts');
});

it('shows what fills the disk, what needs attention, and why it cannot', async () => {
  wire.answers['GET /storage'] = failure(502, '10104', 'Docker is away.');
  const server = client();
  await draw(<Storage client={server} machines={report.nodes} isReachable />);
  expect(node.textContent).toContain('Docker is away.');
  expect(node.textContent).toContain('free space of this machine is unknown');
  wire.answers['GET /storage'] = {
    homes: { count: 2000, size: 5e12 },
    trash: { count: 1, size: 5_000_000 },
    environments: { count: 0, size: 0 },
    images: { count: 2, size: 3_000_000_000 },
    alerts: ['Homes over their quota: ada.']
  };
  await server.refresh('/storage');
  await rest();
  expect(find('.jp-mlws-Totals').textContent).toContain('5 TB2000 objects');
  expect(find('[role="alert"]').textContent).toContain('ada');
});

it('has volumes sorted, filtered and paged by the service', async () => {
  wire.answers['GET /resources/hours'] = { days: 30, items: [] };
  const first = Array.from({ length: 100 }, (_, index) =>
    volume(`user-${index}`, 9_000_000)
  );
  wire.answers['GET /volumes'] = (_: unknown, url: URL) =>
    url.searchParams.get('cursor')
      ? page([volume('zoe', null)])
      : page(first, 'mlws-home-user-99');
  await draw(<Volumes client={client()} {...lists} />);
  const rows = () =>
    [...node.querySelectorAll('[data-mlws-volume] th')].map(
      one => one.textContent
    );
  const asked = () =>
    Object.fromEntries(wire.requests.at(-1)!.url.searchParams);
  expect(rows()).toHaveLength(100);
  expect(
    wire.requests.some(({ url }) => url.searchParams.get('sort') === 'size')
  ).toBe(true);
  await press('Show More');
  expect(rows().at(-1)).toBe('zoe');
  const select = [...node.querySelectorAll('select')].at(-1)!;
  select.value = 'trash';
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await rest();
  expect(asked()).toMatchObject({ trashed: 'true', limit: '100' });
});

it('removes an image that nothing uses, after a confirmation', async () => {
  wire.answers['GET /storage/images'] = page([
    image({ id: 'image:Lab', name: 'Lab', default: true }),
    image(),
    image({
      id: 'environment:ada--torch',
      name: 'torch',
      environment: 'ada--torch',
      user: 'ada',
      running: Array.from({ length: 8 }, (_, index) => `ada--${index}`)
    })
  ]);
  await draw(<Images client={client()} {...lists} />);
  const button = (id: string) =>
    find<HTMLButtonElement>(`[data-mlws-image="${id}"] button`);
  expect(button('image:Lab').disabled).toBe(true);
  expect(button('environment:ada--torch').disabled).toBe(true);
  expect(
    find('[data-mlws-image="environment:ada--torch"]').textContent
  ).toContain('8: ada--0, ada--1, ada--2, ada--3, ada--4, and 3 more');
  isConfirmed = false;
  button('image:Spare').click();
  await rest();
  expect(wire.requests.every(({ method }) => method === 'GET')).toBe(true);
  isConfirmed = true;
  wire.answers['DELETE /storage/images/Spare'] = failure(
    502,
    '10104',
    'conflict: the image has dependent child images'
  );
  button('image:Spare').click();
  await rest();
  expect(node.textContent).toContain('dependent child images');
});

it('announces a text until a time, and ends it', async () => {
  const notice: INotice = {
    id: 'a1',
    level: 'warning',
    text: 'Down at 8',
    created_at: '2026-11-25T12:00:00Z',
    until: '2099-11-25T12:00:00Z',
    author: 'root'
  };
  wire.answers['GET /notices'] = page([{ ...notice, id: 'h', author: null }]);
  HTMLDialogElement.prototype.showModal ??= () => undefined;
  await draw(<Announcements client={client()} {...lists} />);
  expect(node.textContent).toContain('Nothing is announced.');
  await press('New Announcement');
  const text = find<HTMLTextAreaElement>('textarea');
  Object.getOwnPropertyDescriptor(
    HTMLTextAreaElement.prototype,
    'value'
  )!.set!.call(text, 'Down at 8');
  text.dispatchEvent(new Event('input', { bubbles: true }));
  await rest();
  wire.answers['POST /announcements'] = notice;
  wire.answers['GET /notices'] = page([notice]);
  await press('Announce');
  const sent = wire.requests.find(({ method }) => method === 'POST')!.body;
  expect(sent).toMatchObject({ text: 'Down at 8', level: 'info' });
  expect(Date.parse(String(sent.until))).toBeGreaterThan(Date.now());
  expect(find('[data-mlws-announcement="a1"]').textContent).toContain(
    'Down at 8Warningroot'
  );
  wire.answers['DELETE /announcements/a1'] = null;
  wire.answers['GET /notices'] = page([]);
  find('[data-mlws-announcement="a1"] button').click();
  await rest();
  expect(node.textContent).toContain('Nothing is announced.');
});

it('writes a time as its input has it', () => {
  expect(localTime(new Date(2026, 10, 25, 8, 5))).toBe('2026-11-25T08:05');
});

it('draws usage with a table of its values, and says where there is none', async () => {
  const empty: IUsageHistory = { since: 0, until: 3600, width: 60, items: [] };
  wire.answers['GET /resources/history'] = empty;
  const server = client();
  await draw(<UsageCharts client={server} isAdmin={true} />);
  expect(node.textContent).toContain('Nothing has been recorded');
  wire.answers['GET /resources/history'] = {
    ...empty,
    items: [
      {
        name: 'one',
        cpu: [0.5, null, 2],
        memory: [GIB, null, 2 * GIB],
        gpu: [0, null, 0],
        disk: [null, null, null]
      }
    ]
  };
  await server.refresh('/resources');
  await rest();
  const charts = [...node.querySelectorAll<HTMLElement>('[data-mlws-chart]')];
  // A Hub without GPUs has no chart of them.
  expect(charts.map(one => one.dataset.mlwsChart)).toEqual([
    'cpu',
    'memory',
    'disk'
  ]);
  const cells = [...charts[1].querySelectorAll('td')].map(
    one => one.textContent
  );
  expect(cells).toEqual(
    ['2.0 GiB', '–', '1.0 GiB'].map(text => text.replace('.0', ''))
  );
  const choice = [...node.querySelectorAll('select')].at(-1)!;
  choice.value = 'user';
  choice.dispatchEvent(new Event('change', { bubbles: true }));
  await rest();
  const asked = wire.requests.at(-1)!.url.searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({
    subject: 'user',
    metric: 'cpu',
    span: 'day'
  });
  expect(find('input[type="search"]')).not.toBeNull();
});
