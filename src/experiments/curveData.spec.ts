import { expect, it } from 'vitest';

import {
  aligned,
  csvOf,
  groupsOf,
  horizontal,
  limits,
  smoothed,
  svgOf,
  type ICurveOptions
} from './curveData';

const options: ICurveOptions = {
  axis: 'step',
  smoothing: 0,
  isLogarithmic: false,
  showsOutliers: true
};
const curve = {
  run: '1',
  steps: [-1, 0, 1],
  times: [100, 102, 105],
  values: [1, null, 3],
  count: 3,
  not_finite: 1
};

it('places values by step, by time, and by the time since the first', () => {
  expect(horizontal(curve, 'step')).toEqual([-1, 0, 1]);
  expect(horizontal(curve, 'time')).toEqual([100, 102, 105]);
  expect(horizontal(curve, 'relative')).toEqual([0, 2, 5]);
});

it('smooths without a bias to zero, and keeps gaps', () => {
  expect(smoothed([2, 2, null, 2], 0.9)).toEqual([2, 2, null, 2]);
  const [, second] = smoothed([0, 1], 0.5);
  expect(second).toBeCloseTo(2 / 3);
});

it('fits an axis to all values, without outliers to those in the middle', () => {
  const values = [...new Array(99).fill(1), 1000];
  expect(limits([values], options)![1]).toBeGreaterThan(1000);
  expect(
    limits([values], { ...options, showsOutliers: false })![1]
  ).toBeLessThan(2);
  expect(
    limits([[-1, 0, null]], { ...options, isLogarithmic: true })
  ).toBeNull();
});

it('aligns curves of different steps; missing values are no gaps', () => {
  expect(
    aligned([
      { x: [0, 2], y: [1, null] },
      { x: [1], y: [5] }
    ])
  ).toEqual([
    [0, 1, 2],
    [1, undefined, null],
    [undefined, 5, undefined]
  ]);
});

it('groups metrics by the beginnings of their names, those of the system last', () => {
  expect(groupsOf(['system/cpu', 'val/loss', 'acc', 'val/acc'])).toEqual([
    ['', ['acc']],
    ['val', ['val/loss', 'val/acc']],
    ['system', ['system/cpu']]
  ]);
});

it('writes CSV and SVG in which hostile names are text', () => {
  const lines = [{ label: 'a,<b>"', color: '#000', curve }];
  expect(csvOf('loss', lines).split('\n')[1]).toBe(
    '"a,<b>""",-1,1970-01-01T00:01:40.000Z,1'
  );
  const colors = { text: 'black', grid: 'silver', background: 'white' };
  const svg = svgOf('<script>', lines, options, colors);
  expect(svg).not.toContain('<script>');
  const page = new DOMParser().parseFromString(svg, 'image/svg+xml');
  expect(page.querySelector('parsererror')).toBeNull();
  // A gap begins a new part of the line.
  expect(svg.match(/<path d="M[^"]*M[^"]*" fill="none"/)).not.toBeNull();
});
