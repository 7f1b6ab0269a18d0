/** A commit as the graph needs it. */
export interface ICommitNode {
  id: string;
  parents: readonly string[];
}

/** Link between two lanes; both are the same for a straight link. */
export interface ILink {
  from: number;
  to: number;
}

/** Row of the graph: its commit's lane, and the links above, beside and below it. */
export interface IGraphRow {
  lane: number;
  /** From the row above to this commit. */
  above: readonly ILink[];
  /** Lanes that go past it. */
  past: readonly number[];
  /** From this commit to its parents, further down. */
  below: readonly ILink[];
  /** Number of lanes of the row. */
  width: number;
}

/** Gives every commit a lane; `commits` come before their parents. */
export function graphRows(commits: readonly ICommitNode[]): IGraphRow[] {
  /** The commit that each lane leads to; null if the lane is free. */
  const lanes: (string | null)[] = [];
  const shown = new Set<string>();
  return commits.map(commit => {
    shown.add(commit.id);
    const waiting = lanes.flatMap((waits, index) =>
      waits === commit.id ? [index] : []
    );
    const lane = waiting[0] ?? free(lanes);
    const past = lanes
      .map((_, index) => index)
      .filter(index => lanes[index] !== null && !waiting.includes(index));
    let width = Math.max(lanes.length, lane + 1);
    for (const index of waiting) {
      lanes[index] = null;
    }
    // With wrong clocks, git may list a parent first: no link leads down to it.
    const parents = commit.parents.filter(parent => !shown.has(parent));
    const below = parents.map((parent, number): ILink => {
      const own = lanes.indexOf(parent);
      const to = own >= 0 ? own : number === 0 ? lane : free(lanes);
      lanes[to] = parent;
      return { from: lane, to };
    });
    width = Math.max(width, lanes.length);
    while (lanes.length > 0 && lanes[lanes.length - 1] === null) {
      lanes.pop();
    }
    const above = waiting.map(from => ({ from, to: lane }));
    return { lane, above, past, below, width };
  });
}

/** The first free lane; a new lane if all are in use. */
function free(lanes: (string | null)[]): number {
  const at = lanes.indexOf(null);
  if (at >= 0) {
    return at;
  }
  lanes.push(null);
  return lanes.length - 1;
}
