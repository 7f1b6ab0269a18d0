import { Notification } from '@jupyterlab/apputils';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { BudgetNotices } from './budgetNotice';

let saves: number;
let notices: BudgetNotices;

const shown = (): string[] =>
  Notification.manager.notifications.map(one => one.message);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-12-03T12:00:00Z') });
  saves = 0;
  notices = new BudgetNotices(async () => {
    saves += 1;
  });
});

afterEach(() => {
  notices.dispose();
  vi.useRealTimers();
});

it('shows a notice once, and nothing without one', () => {
  notices.update({ notice: null, stop_at: null });
  expect(shown()).toEqual([]);
  notices.update({ notice: 'More than 80 %', stop_at: null });
  notices.update({ notice: 'More than 80 %', stop_at: null });
  expect(shown()).toEqual(['More than 80 %']);
  expect(saves).toBe(0);
  notices.update({ notice: null, stop_at: null });
  expect(shown()).toEqual([]);
});

it('saves documents when a stop is announced and again shortly before it', () => {
  notices.update({ notice: 'Used up.', stop_at: '2026-12-03T12:15:00Z' });
  expect(shown()).toHaveLength(1);
  expect(saves).toBe(1);
  vi.advanceTimersByTime(14 * 60_000);
  expect(saves).toBe(1);
  vi.advanceTimersByTime(45_000);
  expect(saves).toBe(2);
});

it('does not save once more if the stop is called off', () => {
  notices.update({ notice: 'Used up.', stop_at: '2026-12-03T12:15:00Z' });
  notices.update({ notice: null, stop_at: null });
  vi.advanceTimersByTime(20 * 60_000);
  expect(saves).toBe(1);
  expect(shown()).toEqual([]);
});
