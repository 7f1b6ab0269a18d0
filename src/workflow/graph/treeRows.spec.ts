import { describe, expect, it } from 'vitest';

import { parse } from '../document/document';
import { buildGraph } from './graph';
import { columnsInLayers } from './layers';
import { wrapColumns } from './wrapping';
import { treeRows } from './treeRows';

const TEXT = `stages:
  train:
    cmd: python train.py
    deps: [train.py, data/clean.csv]
    outs: [model.pkl]
  clean:
    cmd: python clean.py
    deps: [raw.csv]
    outs: [data/clean.csv]
  score:
    cmd: python score.py
    deps: [model.pkl, data/clean.csv]
`;
const graph = buildGraph(parse(TEXT).document!, new Map());

describe('the tree', () => {
  it('has every node, each behind those that it reads', () => {
    const rows = treeRows(graph, new Set());
    expect(rows.map(({ id }) => id)).toEqual(['clean', 'train', 'score']);
    expect(rows.map(({ position, count }) => [position, count])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3]
    ]);
  });

  it('has the ports of a node that is open, with what they are connected to', () => {
    const rows = treeRows(graph, new Set(['clean']));
    const ports = rows.flatMap(row => (row.kind === 'port' ? [row] : []));
    expect(
      ports.map(({ side, edges }) => [side, edges.map(edge => edge.target)])
    ).toEqual([
      ['in', []],
      ['out', ['train', 'score']]
    ]);
  });

  it('keeps nodes of a cycle', () => {
    const loop = TEXT.replace('[raw.csv]', '[model.pkl]');
    const cyclic = buildGraph(parse(loop).document!, new Map());
    expect(treeRows(cyclic, new Set())).toHaveLength(3);
    expect(columnsInLayers(cyclic, []).flat()).toHaveLength(3);
  });
});

describe('layers', () => {
  it('go from left to right, and no node covers another', () => {
    const places = wrapColumns(columnsInLayers(graph, []), null);
    const x = (id: string): number => places.get(id)!.x;
    expect(x('clean')).toBeLessThan(x('train'));
    expect(x('train')).toBeLessThan(x('score'));
  });
});
