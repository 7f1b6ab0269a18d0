import { expect, it } from 'vitest';

import { fake } from '../../__tests__/server';
import { paint } from './painting';

/** The labels that are painted of nodes at a zoom. */
function labels(titles: string[], zoom: number): string[] {
  const painted: string[] = [];
  const context = fake<CanvasRenderingContext2D>({
    clearRect: () => undefined,
    save: () => undefined,
    restore: () => undefined,
    translate: () => undefined,
    scale: () => undefined,
    beginPath: () => undefined,
    stroke: () => undefined,
    fillRect: () => undefined,
    fillText: (text: string) => void painted.push(text)
  });
  const nodes = titles.map((title, row) => ({
    x: 0,
    y: row * 150,
    height: 100,
    title,
    shared: 6,
    state: null,
    isSelected: false,
    isFaulty: false
  }));
  const colours = {
    ground: '',
    border: '',
    text: '',
    edge: '',
    brand: '',
    error: ''
  };
  const view = { x: 0, y: 0, zoom, width: 1000, height: 1000 };
  paint(context, nodes, [], view, colours);
  return painted;
}

it('paints titles only where enough of their letters fit', () => {
  const titles = ['plot', 'train_model_0.1', 'train_model_0.2'];
  expect(labels(titles, 0.17)).toEqual(['plot']);
  expect(labels(titles, 0.1)).toEqual([]);
  const [, one, other] = labels(titles, 0.3);
  expect([one.length, other.length]).toEqual([8, 8]);
  expect(labels(titles, 1)).toEqual(titles);
});
