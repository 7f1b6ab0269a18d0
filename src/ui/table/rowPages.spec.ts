import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ITablePage } from '../../api/models';
import { PAGE_ROWS, RowPages } from './rowPages';

function pages(older: RowPages | null = null): {
  rows: RowPages;
  asked: { offset: number; answer: () => void }[];
} {
  const asked: { offset: number; answer: () => void }[] = [];
  const rows = new RowPages(
    offset =>
      new Promise(resolve =>
        asked.push({
          offset,
          answer: () =>
            resolve({
              columns: [],
              rows: Array.from({ length: PAGE_ROWS }, (_, i) => [offset + i]),
              offset,
              row_count: 10_000_000,
              match_count: 10_000_000,
              truncated: false
            } satisfies ITablePage)
        })
      ),
    () => undefined,
    () => undefined,
    older
  );
  return { rows, asked };
}

const PAUSE_MS = 200;

describe('RowPages', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('reads the pages of a range once', async () => {
    const { rows, asked } = pages();
    rows.request(PAGE_ROWS - 5, PAGE_ROWS + 5);
    rows.request(PAGE_ROWS - 5, PAGE_ROWS + 5);
    expect(asked.map(one => one.offset)).toEqual([0, PAGE_ROWS]);
    asked.forEach(one => one.answer());
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    expect(rows.row(PAGE_ROWS + 1)).toEqual([PAGE_ROWS + 1]);
    rows.request(0, 10);
    expect(asked).toHaveLength(2);
  });

  it('shows the rows of an older version until the new ones are read', async () => {
    const before = pages();
    before.rows.request(0, 10);
    before.asked.forEach(one => one.answer());
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    const { rows, asked } = pages(before.rows);
    expect(rows.row(1)).toEqual([1]);
    rows.request(0, 10);
    expect(asked.map(one => one.offset)).toEqual([0]);
    expect(rows.row(PAGE_ROWS)).toBeUndefined();
  });

  it('does not read what was scrolled past', async () => {
    const { rows, asked } = pages();
    rows.request(0, PAGE_ROWS);
    for (const first of [5_000_000, 7_000_000, 9_000_000]) {
      rows.request(first, first + 20);
    }
    expect(asked).toHaveLength(2);
    asked[0].answer();
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    expect(asked.map(one => one.offset)).toEqual([0, PAGE_ROWS, 9_000_000]);
  });

  it('begins few requests while a scroll bar is dragged', async () => {
    const { rows, asked } = pages();
    for (let frame = 0; frame < 60; frame += 1) {
      rows.request(frame * 100_000, frame * 100_000 + 20);
      asked.forEach(one => one.answer());
      await vi.advanceTimersByTimeAsync(16);
    }
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    // Within a second, including the last row.
    expect(asked.length).toBeLessThan(13);
    expect(asked[asked.length - 1].offset).toBe(5_900_000);
  });
});
