import fc from 'fast-check';
import { expect, it } from 'vitest';

import { graphRows, type ICommitNode } from './lanes';

const commit = (id: string, ...parents: string[]): ICommitNode => ({
  id,
  parents
});

it('keeps a history without branches in one lane', () => {
  const rows = graphRows([commit('c', 'b'), commit('b', 'a'), commit('a')]);
  expect(rows.map(row => [row.lane, row.width])).toEqual([
    [0, 1],
    [0, 1],
    [0, 1]
  ]);
  expect(rows.map(row => row.above.length)).toEqual([0, 1, 1]);
  expect(rows[2].below).toEqual([]);
});

it('draws a merge with a lane of its own for what came in', () => {
  const rows = graphRows([
    commit('merge', 'ours', 'theirs'),
    commit('ours', 'base'),
    commit('theirs', 'base'),
    commit('base')
  ]);
  expect(rows.map(row => row.lane)).toEqual([0, 0, 1, 0]);
  expect(rows[0].below).toEqual([
    { from: 0, to: 0 },
    { from: 0, to: 1 }
  ]);
  expect(rows[1].past).toEqual([1]);
  // Both lead to the same parent: the second joins the first lane.
  expect(rows[2].below).toEqual([{ from: 1, to: 0 }]);
  expect(rows[3].above).toEqual([{ from: 0, to: 0 }]);
});

it('gives the tips of two branches lanes of their own', () => {
  const rows = graphRows([
    commit('a2', 'a1'),
    commit('b2', 'b1'),
    commit('a1', 'root'),
    commit('b1', 'root'),
    commit('root')
  ]);
  expect(rows.map(row => row.lane)).toEqual([0, 1, 0, 1, 0]);
});

/** Commits whose parents come later, as git lists them. */
const histories = fc
  .array(fc.array(fc.nat(20), { maxLength: 3 }), { maxLength: 40 })
  .map(given =>
    given.map((steps, index) =>
      commit(
        String(index),
        ...new Set(
          steps
            .map(step => index + 1 + step)
            .filter(parent => parent < given.length)
            .map(String)
        )
      )
    )
  );

it('lets every line that leaves a row arrive at its parent', () => {
  fc.assert(
    fc.property(histories, commits => {
      const rows = graphRows(commits);
      /** Commits that the lanes between two rows lead to. */
      let leads = new Map<number, string>();
      rows.forEach((row, index) => {
        const { id, parents } = commits[index];
        const arriving = row.above.map(link => link.from);
        for (const [lane, target] of leads) {
          expect(arriving.includes(lane)).toBe(target === id);
          expect(row.past.includes(lane)).toBe(target !== id);
        }
        expect(row.below.map(link => link.from)).toEqual(
          parents.map(() => row.lane)
        );
        const kept = [...leads].filter(([lane]) => row.past.includes(lane));
        const next = new Map(kept);
        row.below.forEach((link, at) => {
          expect(next.get(link.to) ?? parents[at]).toBe(parents[at]);
          next.set(link.to, parents[at]);
        });
        leads = next;
        expect(row.width).toBeGreaterThan(row.lane);
      });
      expect(leads.size).toBe(0);
    })
  );
});

it('lays out 50,000 commits', () => {
  const commits = Array.from({ length: 50_000 }, (_, index) =>
    index % 5 === 0
      ? commit(String(index), String(index + 1), String(index + 7))
      : commit(String(index), String(index + 1))
  );
  // In the square of their number, this would take longer than a test may.
  expect(graphRows(commits)).toHaveLength(50_000);
});
