import { expect, it } from 'vitest';

import { parse } from '../document/document';
import { WINE } from '../../__tests__/samples';
import { buildGraph } from './graph';
import { placeNodes } from './layout';
import { graphSvg, wrap } from './svg';

const GRAPH = buildGraph(
  parse(WINE.replace('judge:', '"a <b> & c":'), 'workflows/wine/dvc.yaml')
    .document!,
  new Map()
);

function draw(): Document {
  const svg = graphSvg({
    graph: GRAPH,
    places: placeNodes(GRAPH),
    notes: [{ text: 'First & <last>\nline', at: [-300, 0] }],
    frames: [{ title: 'Both', nodes: ['load', 'forest', 'gone'] }],
    colour: () => 'red',
    subtitle: node => node.kind,
    portName: name => name
  });
  return new DOMParser().parseFromString(svg, 'image/svg+xml');
}

it('is well formed, with every node, edge, note and frame', () => {
  const image = draw();
  expect(image.querySelector('parsererror')).toBeNull();
  const words = [...image.querySelectorAll('text')].map(one => one.textContent);
  for (const word of ['load', 'forest', 'a <b> & c', 'Both', 'line']) {
    expect(words).toContain(word);
  }
  expect(image.querySelectorAll('path[fill="none"]')).toHaveLength(
    GRAPH.edges.length
  );
});

it('shows all of it', () => {
  const [x, y, width, height] = draw()
    .documentElement.getAttribute('viewBox')!
    .split(' ')
    .map(Number);
  expect(x).toBeLessThan(-300);
  expect(x + width).toBeGreaterThan(0);
  expect(y).toBeLessThan(0);
  expect(height).toBeGreaterThan(60);
});

it('breaks long lines, also of words without spaces', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('数据准备步骤', 6)).toEqual(['数据准', '备步骤']);
  expect(wrap('', 6)).toEqual(['']);
});
