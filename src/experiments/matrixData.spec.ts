import { expect, it } from 'vitest';

import type { IExperimentRun } from '../api/models';
import { columnsOf } from './compare';
import {
  brushesOf,
  cellsOf,
  nearest,
  numericColumns,
  pointOf,
  rectangleOf
} from './matrixData';
import { axisOf, brushed } from './parallelData';

const run = (id: string, depth: number, acc: number | null) =>
  ({
    run: id,
    params: { depth: String(depth), kind: 'tree' },
    metrics: acc === null ? {} : { acc }
  }) as unknown as IExperimentRun;

const runs = [
  run('a', 1, 0),
  run('b', 2, 0.5),
  run('c', 3, 1),
  run('d', 2, null)
];
const axes = numericColumns(runs, columnsOf(runs)).map(one =>
  axisOf(runs, one)!
);
const [cell] = cellsOf(axes, 112);

it('has a cell for each pair of numeric columns', () => {
  expect(axes.map(axis => axis.column.name)).toEqual(['acc', 'depth']);
  expect(cellsOf([...axes, axes[0]], 10)).toHaveLength(3);
  expect([cell.x.column.name, cell.y.column.name]).toEqual(['acc', 'depth']);
  expect(pointOf(runs[0], cell, 112)).toEqual([6, 218]);
  expect(pointOf(runs[2], cell, 112)).toEqual([106, 118]);
  expect(pointOf(runs[3], cell, 112)).toBeNull();
});

it('finds the run under the pointer, and none too far away', () => {
  expect(nearest(runs, cell, 112, [104, 120], 6)?.run).toBe('c');
  expect(nearest(runs, cell, 112, [80, 120], 6)).toBeNull();
});

it('selects the runs in a rectangle, as the parallel axes do', () => {
  const brushes = new Map(brushesOf(cell, 112, [120, 100], [40, 180]));
  expect(brushed(runs, axes, brushes).map(one => one.run)).toEqual(['b', 'c']);
  expect(rectangleOf(cell, 112, brushes)![0]).toBe(40);
  expect(rectangleOf(cell, 112, new Map())).toBeNull();
});
