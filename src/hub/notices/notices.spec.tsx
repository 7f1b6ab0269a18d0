import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { rest, Wire } from '../../__tests__/server';
import type { INotice } from '../../api/models';
import { DismissedNotices, followNotices, NoticeBars } from './notices';

let wire: Wire;
let root: Root;
let node: HTMLElement;
let stop: () => void;

const notice = (change: Partial<INotice> = {}): INotice => ({
  id: 'one',
  level: 'info',
  text: 'Maintenance <b>tonight</b>',
  created_at: '2026-11-25T12:00:00Z',
  until: '2099-11-25T12:00:00Z',
  author: 'root',
  ...change
});

beforeEach(async () => {
  localStorage.clear();
  wire = new Wire();
  node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
});

afterEach(() => {
  stop();
  root.unmount();
  node.remove();
});

async function open(...items: INotice[]): Promise<void> {
  wire.answers['GET /notices'] = { items, next_cursor: null };
  const client = wire.client('en', false);
  stop = followNotices(client);
  root.render(
    <NoticeBars client={client} dismissed={new DismissedNotices()} />
  );
  await rest();
  wire.sockets[0].say({ type: 'hello', seq: 1 });
  await rest();
}

const texts = () =>
  [...node.querySelectorAll('[data-mlws-notice] p')].map(
    one => one.textContent
  );

it('shows notices as plain text, and new ones at once', async () => {
  await open(notice());
  expect(texts()).toEqual(['Maintenance <b>tonight</b>']);
  const full = notice({
    id: 'two',
    level: 'error',
    text: 'full',
    author: null
  });
  wire.sockets[0].say({ type: 'notices', seq: 2, items: [full, notice()] });
  await rest();
  expect(texts()).toEqual(['full', 'Maintenance <b>tonight</b>']);
  expect(node.querySelector('[role="alert"]')!.textContent).toContain('full');
  wire.sockets[0].say({ type: 'notices', seq: 3, items: [] });
  await rest();
  expect(texts()).toEqual([]);
});

it('keeps a dismissed notice away, also after a reload', async () => {
  await open(notice(), notice({ id: 'two', text: 'other' }));
  node.querySelector<HTMLElement>('[data-mlws-notice="one"] button')!.click();
  await rest();
  expect(texts()).toEqual(['other']);
  expect(new DismissedNotices().ids.value).toEqual(new Set(['one']));
});

it('hides a notice when its time is over', async () => {
  await open(
    notice({ until: new Date(Date.now() + 300).toISOString() }),
    notice({ id: 'old', until: '2020-01-01T00:00:00Z' })
  );
  expect(texts()).toHaveLength(1);
  await new Promise(resolve => setTimeout(resolve, 400));
  await rest();
  expect(texts()).toEqual([]);
});
