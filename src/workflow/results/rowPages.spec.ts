import { describe, expect, it } from 'vitest';

import type { ITablePage } from '../../api/models';
import { settle } from '../../__tests__/server';
import { PAGE_ROWS, RowPages } from './rowPages';

function pages(): {
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
    () => undefined
  );
  return { rows, asked };
}

describe('RowPages', () => {
  it('reads the pages of a range once', async () => {
    const { rows, asked } = pages();
    rows.request(PAGE_ROWS - 5, PAGE_ROWS + 5);
    rows.request(PAGE_ROWS - 5, PAGE_ROWS + 5);
    expect(asked.map(one => one.offset)).toEqual([0, PAGE_ROWS]);
    asked.forEach(one => one.answer());
    await settle();
    expect(rows.row(PAGE_ROWS + 1)).toEqual([PAGE_ROWS + 1]);
    rows.request(0, 10);
    expect(asked).toHaveLength(2);
  });

  it('does not read what was scrolled past', async () => {
    const { rows, asked } = pages();
    rows.request(0, PAGE_ROWS);
    for (const first of [5_000_000, 7_000_000, 9_000_000]) {
      rows.request(first, first + 20);
    }
    expect(asked).toHaveLength(2);
    asked[0].answer();
    await settle();
    expect(asked.map(one => one.offset)).toEqual([0, PAGE_ROWS, 9_000_000]);
  });
});
