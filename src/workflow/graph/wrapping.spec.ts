import { describe, expect, it } from 'vitest';

import { parse } from '../document/document';
import { nodeHeight, NODE_WIDTH, SOURCE_HEIGHT } from './geometry';
import { buildGraph, type IGraph, type ILink } from './graph';
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
  it('leaves a chain in one row while its titles can be read', () => {
    for (const [width, count] of [
      [815, 5],
      [1100, 7]
    ]) {
      const places = placeNodes(graphOf(chain(count)), new Map(), [], {
        width,
        height: 600
      });
      expect(new Set([...places.values()].map(({ y }) => y)).size).toBe(1);
    }
    // In a narrow canvas as few rows as make them readable.
    const narrow = placeNodes(graphOf(chain(5)), new Map(), [], {
      width: 500,
      height: 600
    });
    expect(new Set([...narrow.values()].map(({ y }) => y)).size).toBe(2);
  });

  it('begins a new row where the fewest edges run back', () => {
    const graph = graphOf([
      ...chain(3),
      '  a: {cmd: run, deps: [f3.csv], outs: [a.csv]}',
      '  b: {cmd: run, deps: [f3.csv], outs: [b.csv]}',
      '  end: {cmd: run, deps: [a.csv, b.csv]}'
    ]);
    const shape = { width: 560, height: 600 };
    const places = placeNodes(graph, new Map(), [], shape);
    const isBack = ({ source, target }: ILink): boolean =>
      places.get(target)!.x <= places.get(source)!.x;
    expect(graph.edges.filter(isBack).map(({ id }) => id)).toHaveLength(1);
  });

  it('keeps data in the row of what reads it', () => {
    const graph = graphOf(chain(6));
    const sources = sourcesOf(parse('').document!, graph, new Set());
    const shape = { width: 340, height: 560 };
    const places = placeNodes(graph, new Map(), sources, shape);
    const [data, first] = [sources[0].id, 's0'].map(id => places.get(id)!);
    expect(data.x).toBeLessThan(first.x);
    expect(Math.abs(data.y - first.y)).toBeLessThan(60);
  });

  it('wraps a long chain to the shape of the canvas, in reading order', () => {
    const graph = graphOf(chain(8));
    expect(zoomOf(placeNodes(graph))).toBeLessThan(0.45);
    const places = placeNodes(graph, new Map(), [], SHAPE);
    expect(zoomOf(places)).toBeGreaterThan(0.75);
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
