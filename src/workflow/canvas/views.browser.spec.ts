import { expect, onTestFinished, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import {
  css,
  find,
  middle,
  node,
  NODES,
  openCanvas,
  reload
} from '../../__tests__/browser/canvas';

function zoom(): number {
  const { transform } = getComputedStyle(find('.react-flow__viewport'));
  return new DOMMatrix(transform).a;
}

/** Visible fraction of a node in the drawing's box. */
function shareInView(id: string): number {
  const box = node(id).element().getBoundingClientRect();
  const room = find('.jp-mlws-Canvas').getBoundingClientRect();
  const width = Math.min(box.right, room.right) - Math.max(box.left, room.left);
  const height =
    Math.min(box.bottom, room.bottom) - Math.max(box.top, room.top);
  return (Math.max(0, width) * Math.max(0, height)) / (box.width * box.height);
}

function nodesInView(): string[] {
  return NODES.filter(id => shareInView(id) > 0.98);
}

/** Zooms in on a node, and waits until that is kept. */
async function zoomIn(id: string): Promise<void> {
  const before = zoom();
  await commands.move(...middle(node(id).element()), 1);
  await commands.wheel(-400);
  await expect.poll(zoom).toBeGreaterThan(before);
  await new Promise(resolve => setTimeout(resolve, 400));
}

test('a fitted graph is fitted again in the size that the canvas has after a reload', async () => {
  onTestFinished(() => page.viewport(1280, 720));
  const canvas = await openCanvas();
  await expect.poll(nodesInView).toEqual([...NODES]);
  const before = zoom();
  await page.viewport(1000, 560);
  await reload(canvas);
  await expect.poll(nodesInView).toEqual([...NODES]);
  expect(zoom()).toBeLessThan(before);
});

test('a part that was in view is there after a reload in another size', async () => {
  onTestFinished(() => page.viewport(1280, 720));
  await page.viewport(1600, 1000);
  const at = (x: number, y: number): string => `meta: {at: [${x}, ${y}]}`;
  const path = 'dvc.yaml';
  const text = `stages:
  one: {cmd: run, outs: [a], ${at(0, 0)}}
  two: {cmd: run, deps: [a], outs: [b], ${at(900, 500)}}
  far: {cmd: run, deps: [b], ${at(3000, 0)}}
`;
  const nodes = ['one', 'two', 'far'];
  const files = { [path]: text };
  const canvas = await openCanvas({ files, path, nodes });
  await zoomIn('two');
  await zoomIn('two');
  const before = zoom();
  await page.viewport(1000, 560);
  await reload(canvas, { files, path, nodes: ['two'] });
  await expect.poll(() => shareInView('two')).toBeGreaterThan(0.98);

  // Repeated, and at the former size, it is unchanged.
  await page.viewport(1600, 1000);
  await expect.poll(zoom).toBeCloseTo(before, 2);
});

test('results that open below and a reload do not make the graph smaller each time', async () => {
  let canvas = await openCanvas();
  await zoomIn('split');
  const before = zoom();
  const share = shareInView('split') - 0.02;
  for (let time = 0; time < 2; time++) {
    await page.getByRole('button', { name: 'Show Results' }).click();
    canvas = await reload(canvas, { nodes: ['split'] });
    await expect.element(css('.jp-mlws-Drawer-body')).toBeVisible();
    await expect.poll(() => shareInView('split')).toBeGreaterThan(share);
    await page.getByRole('button', { name: 'Hide Results' }).click();
    await expect.poll(zoom).toBeCloseTo(before, 2);
    canvas = await reload(canvas, { nodes: ['split'] });
    expect(zoom()).toBeCloseTo(before, 2);
  }
});

test('a view of nothing is given up after a reload', async () => {
  const canvas = await openCanvas();
  const [x, y] = middle(find('.jp-mlws-Canvas'));
  await commands.move(x, y + 250, 1);
  for (let time = 0; time < 3; time++) {
    await commands.mouse('down');
    await commands.move(x, y - 250, 4);
    await commands.mouse('up');
    await commands.move(x, y + 250, 1);
  }
  await expect.poll(nodesInView).toEqual([]);
  await new Promise(resolve => setTimeout(resolve, 400));
  await reload(canvas);
  await expect.poll(nodesInView).toEqual([...NODES]);
});

test('the settings have the whole height beside open results', async () => {
  await openCanvas();
  await node('forest').click();
  const height = (): number =>
    find('.jp-mlws-Panel').getBoundingClientRect().height;
  const before = height();
  await page.getByRole('button', { name: 'Show Results' }).click();
  await expect.element(css('.jp-mlws-Drawer-body')).toBeVisible();
  expect(height()).toBe(before);
  expect(before).toBeGreaterThan(600);
});

test('the drawing keeps its room beside a page of the help', async () => {
  onTestFinished(() => page.viewport(1280, 720));
  await openCanvas();
  // A half of the main area of a lab with its sidebar.
  await page.viewport(480, 690);
  await expect.element(css('.jp-mlws-Palette')).not.toBeInTheDocument();
  const width = (): number =>
    find('.jp-mlws-Canvas').getBoundingClientRect().width;
  await expect.poll(nodesInView).toEqual([...NODES]);
  expect(width()).toBeGreaterThan(290);
  await expect.element(css('.jp-mlws-Panel')).toBeVisible();
  const bar = find('.jp-mlws-Drawer-bar');
  expect(bar.scrollWidth).toBeLessThanOrEqual(bar.clientWidth);

  // Either pane comes when it is asked for.
  await page.getByRole('button', { name: 'Show Palette' }).click();
  await expect.element(css('.jp-mlws-Palette')).toBeVisible();
  await expect.element(css('.jp-mlws-Panel')).not.toBeInTheDocument();
  expect(width()).toBeGreaterThan(290);
  await node('forest').dblClick();
  await expect.element(css('.jp-mlws-Panel [id$="_algorithm"]')).toBeVisible();
  await expect.element(css('.jp-mlws-Palette')).not.toBeInTheDocument();
  await page.viewport(1280, 720);
  await expect.element(css('.jp-mlws-Palette')).toBeVisible();
  await expect.element(css('.jp-mlws-Panel')).toBeVisible();
});
