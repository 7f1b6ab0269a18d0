import { describe, expect, it } from 'vitest';

import { parse } from '../document/document';
import { nodeHeight, NODE_WIDTH, SOURCE_HEIGHT } from './geometry';
import { buildGraph, type IGraph } from './graph';
import { placeNodes } from './layout';
import { sourcesOf } from './sources';

const SHAPE = { width: 900, height: 800 };

function graphOf(stages: string[]): IGraph {
  const text = ['stages:', ...stages].join('\n');
  return buildGraph(parse(`${text}\n`).document!, new Map());
}

function chain(count: number): string[] {
  return Array.from(
    { length: count },
    (_, number) =>
      `  s${number}: {cmd: run, deps: [f${number}.csv], outs: [f${number + 1}.csv]}`
  );
}

/** The zoom at which all is in view. */
function zoomOf(places: ReadonlyMap<string, { x: number; y: number }>): number {
  const xs = [...places.values()].map(({ x }) => x);
  const ys = [...places.values()].map(({ y }) => y);
  const width = Math.max(...xs) - Math.min(...xs) + NODE_WIDTH;
  const height = Math.max(...ys) - Math.min(...ys) + 110;
  return Math.min(SHAPE.width / width, SHAPE.height / height);
}

describe('the automatic layout', () => {
  it('wraps a long chain to the shape of the canvas, in reading order', () => {
    const graph = graphOf(chain(8));
    expect(zoomOf(placeNodes(graph))).toBeLessThan(0.45);
    const places = placeNodes(graph, new Map(), [], SHAPE);
    expect(zoomOf(places)).toBeGreaterThan(0.8);
    const inOrder = [...places]
      .sort(([, one], [, other]) => one.y - other.y || one.x - other.x)
      .map(([id]) => id);
    expect(inOrder).toEqual(Array.from({ length: 8 }, (_, n) => `s${n}`));
  });

  it('puts hundreds of parallel nodes beside each other, not into one column', () => {
    for (const count of [200, 400]) {
      const graph = graphOf(
        Array.from({ length: count }, (_, n) => `  s${n}: {cmd: run ${n}}`)
      );
      const places = placeNodes(graph, new Map(), [], SHAPE);
      const columns = new Set([...places.values()].map(({ x }) => x));
      expect(columns.size).toBeGreaterThan(5);
      expect(columns.size).toBeLessThan(40);
    }
  });

  it('gives data a place of its own, left of what reads it first', () => {
    for (const count of [3, 320]) {
      const graph = graphOf([
        ...chain(count),
        `  late: {cmd: run, deps: [f${count}.csv, extra.csv]}`
      ]);
      const document = parse('').document!;
      const sources = sourcesOf(document, graph, new Set());
      expect(sources.map(({ path }) => path)).toEqual(['f0.csv', 'extra.csv']);
      const places = placeNodes(graph, new Map(), sources);
      const x = (id: string): number => places.get(id)!.x;
      expect(x(sources[0].id)).toBeLessThan(x('s0'));
      expect(x(sources[1].id)).toBeLessThan(x('late'));
      expect(x(sources[1].id)).toBeGreaterThan(x(`s${count - 3}`));
      const boxes = [...places].map(([id, place]) => {
        const node = graph.nodes.get(id);
        return { ...place, height: node ? nodeHeight(node) : SOURCE_HEIGHT };
      });
      const isOverlap = boxes.some((one, index) =>
        boxes
          .slice(index + 1)
          .some(
            other =>
              Math.abs(one.x - other.x) < NODE_WIDTH &&
              one.y < other.y + other.height &&
              other.y < one.y + one.height
          )
      );
      expect(isOverlap).toBe(false);
    }
  });
});
