import { expect, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import {
  accessFaults,
  type CanvasPage,
  css,
  find,
  middle,
  node,
  openCanvas
} from '../../__tests__/browser/canvas';

const SIZE = 400;
const LAYER = 25;

/** Workflow of layers, in which each node reads two nodes of the previous layer. */
function largeWorkflow(size = SIZE, prefix = 's'): string {
  const lines = ['stages:'];
  for (let number = 0; number < size; number++) {
    const row = Math.floor(number / LAYER);
    const other = (row - 1) * LAYER + (((number % LAYER) * 7 + 3) % LAYER);
    const before = [...new Set([number - LAYER, other])];
    const reads = row ? before.map(one => `out/${one}.txt`) : ['in.txt'];
    lines.push(
      `  ${prefix}${number}:`,
      `    cmd: echo ${number} > out/${number}.txt`,
      '    deps:',
      ...reads.map(read => `      - ${read}`),
      '    outs:',
      `      - out/${number}.txt`
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Fits the graph into the window: the nodes are painted then. */
async function fit(canvas: CanvasPage, size = SIZE): Promise<void> {
  await canvas.command('workflow:fit');
  const picture = css('.jp-mlws-Overview');
  await expect
    .element(picture)
    .toHaveAttribute('data-mlws-nodes', String(size));
  const view = find('.react-flow__viewport').style;
  let before = '';
  for (let still = 0; still < 6;) {
    await new Promise(requestAnimationFrame);
    still = view.transform === before ? still + 1 : 0;
    before = view.transform;
  }
}

/** Moves the pointer about a place until it is over a node; returns the node's id. */
async function pointAtNode(x: number, y: number): Promise<string> {
  for (let step = 0; step < 60; step++) {
    await commands.move(x + (step % 10) * 3, y + Math.floor(step / 10) * 3, 1);
    const pointed = document.querySelector('.jp-mlws-Node:hover');
    if (pointed) {
      return pointed.getAttribute('data-mlws-node')!;
    }
  }
  throw new Error('There is no node.');
}

test('many nodes are painted, and still taken by hand', async () => {
  const canvas = await openCanvas({
    files: { 'dvc.yaml': largeWorkflow() },
    path: 'dvc.yaml',
    nodes: []
  });
  // It opens where titles can be read, at the beginning.
  await expect.element(css('.jp-mlws-Canvas')).toBeVisible();
  const { transform } = getComputedStyle(find('.react-flow__viewport'));
  expect(new DOMMatrix(transform).a).toBeGreaterThan(0.17);
  await fit(canvas);
  await expect.element(css('.jp-mlws-Node')).not.toBeInTheDocument();

  // A hovered node is an element of the page, and can be dragged.
  const box = find('.jp-mlws-Canvas').getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const name = await pointAtNode(x, y);
  await commands.mouse('down');
  await commands.move(x, box.y + 60, 8);
  await commands.mouse('up');
  await expect.poll(() => canvas.text).toContain('meta:');
  const lines = (await canvas.save()).split('\n');
  const begin = lines.indexOf(`  ${name}:`);
  expect(lines.slice(begin, begin + 9).join('\n')).toContain('meta:');
  expect(lines.filter(line => line.includes('meta:'))).toHaveLength(1);

  // A selection rectangle over all of them selects painted nodes.
  await commands.hold('Shift', true);
  await commands.move(box.x + 5, box.y + 5, 1);
  await commands.mouse('down');
  await commands.move(box.right - 10, box.bottom - 10, 6);
  await commands.mouse('up');
  await commands.hold('Shift', false);
  await expect.element(css('.jp-mlws-Panel')).toHaveTextContent(String(SIZE));
  await commands.click(x + 60, y + 60, { button: 'right' });
  await expect
    .element(css('.lm-Menu-item').filter({ hasText: 'Delete Selection' }))
    .toBeVisible();
  await commands.press('Escape');
  await expect.element(css('.jp-mlws-Panel')).toHaveTextContent(String(SIZE));

  // Near, nodes have their ports and lines again.
  canvas.focus();
  await commands.press('Control+f');
  await css('.jp-mlws-Chooser input').fill('s210');
  await commands.press('Enter');
  await expect.element(node('s210')).toBeVisible();
  await expect
    .element(css('[data-mlws-node="s210"] .react-flow__handle').first())
    .toBeVisible();
  await expect.element(css('.react-flow__edge').first()).toBeInTheDocument();
  expect(document.querySelectorAll('.jp-mlws-Node').length).toBeLessThan(
    SIZE / 2
  );
  const picture = css('.jp-mlws-Overview');
  await expect.element(picture).not.toBeInTheDocument();
  expect(await accessFaults('.jp-mlws-Workflow')).toEqual([]);

  // A double click from afar leads to where lines can be drawn.
  await fit(canvas);
  // The position of a moved node is empty.
  const near = await pointAtNode(x + 60, y + 60);
  await node(near).dblClick();
  await expect.element(picture).not.toBeInTheDocument();
  await expect
    .element(css(`[data-mlws-node="${near}"] .react-flow__handle`).first())
    .toBeVisible();
  await canvas.command('workflow:tree');
  await expect.element(css(`[data-mlws-row="${near}"]`)).toHaveFocus();
  await commands.press('End');
  await expect
    .element(css('[data-mlws-row]:focus'))
    .toHaveAttribute('aria-posinset', String(SIZE));
  expect(page.getByRole('treeitem').elements().length).toBeLessThan(SIZE / 2);
});

test('from afar a title is seen whole where the pointer is, and not cut to a few letters', async () => {
  const title = 'train_model_';
  for (const size of [50, 150]) {
    const canvas = await openCanvas({
      files: { 'dvc.yaml': largeWorkflow(size, title) },
      path: 'dvc.yaml',
      nodes: []
    });
    const titles = css('.jp-mlws-Node-title');
    let [x, y] = middle(find('.jp-mlws-Canvas'));
    if (size > 100) {
      await fit(canvas, size);
    } else {
      await canvas.command('workflow:fit');
      for (let step = 0; step < 3; step++) {
        await css('.react-flow__controls-zoomout').click();
      }
      await expect
        .element(css('.jp-mlws-Canvas'))
        .toHaveClass('jp-mod-untitled');
      await expect.element(titles.first()).not.toBeVisible();
      [x, y] = middle(find('.jp-mlws-Node'));
    }
    const id = await pointAtNode(x, y);
    const element = find(`[data-mlws-node="${id}"] .jp-mlws-Node-title`);
    await expect.element(element).toBeVisible();
    expect(element.textContent).toBe(id);
    for (const part of [element, ...element.children]) {
      expect(part.scrollWidth).toBeLessThanOrEqual(part.clientWidth + 1);
    }
    canvas.lab.dispose();
  }
});
