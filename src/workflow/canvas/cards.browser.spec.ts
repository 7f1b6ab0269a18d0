import { expect, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import {
  accessFaults,
  css,
  drag,
  emptyPlace,
  find,
  middle,
  node,
  NODES,
  openCanvas
} from '../../__tests__/browser/canvas';

/** Pixels on the screen. */
const MIN_TITLE = 12;

/** The nodes that are not wholly in the drawing's box. */
function nodesOutOfView(): string[] {
  const canvas = find('.jp-mlws-Canvas').getBoundingClientRect();
  return NODES.filter(name => {
    const box = node(name).element().getBoundingClientRect();
    return (
      box.left < canvas.left ||
      box.right > canvas.right ||
      box.top < canvas.top ||
      box.bottom > canvas.bottom
    );
  });
}

test.for([
  [1600, 1000],
  [1280, 720]
])(
  'the first view in %i × %i says which model won and what changed',
  async ([width, height]) => {
    await page.viewport(width, height);
    await openCanvas();
    const count = (selector: string): number =>
      document.querySelectorAll(selector).length;
    await expect.poll(() => count('.jp-mlws-Result-best')).toBe(2);
    const inside = (id: string, selector: string): ReturnType<typeof css> =>
      css(`[data-mlws-node="${id}"] ${selector}`);
    await expect
      .element(inside('linear', '.jp-mlws-Result-best'))
      .toBeVisible();
    await expect
      .element(node('compare'))
      .toHaveTextContent(/linear\s*accuracy\s*0\.944/);
    await expect
      .element(inside('forest', '.jp-mlws-Result-change'))
      .toBeVisible();
    await expect
      .element(inside('forest', '.jp-mlws-ChangeTag'))
      .toHaveTextContent('Number of trees 50');
    await expect.element(node('load')).toHaveTextContent('178 × 14');
    await expect.element(inside('plot', 'img')).toBeVisible();

    expect(nodesOutOfView()).toEqual([]);
    const titles = [
      ...document.querySelectorAll<HTMLElement>('.jp-mlws-Node-title')
    ].map(title => {
      const zoom = title.getBoundingClientRect().height / title.offsetHeight;
      return parseFloat(getComputedStyle(title).fontSize) * zoom;
    });
    // With the title of the data.
    expect(titles).toHaveLength(NODES.length + 1);
    expect(Math.min(...titles)).toBeGreaterThanOrEqual(MIN_TITLE - 0.1);
    expect(await accessFaults('.jp-mlws-Workflow')).toEqual([]);
    await page.viewport(1280, 720);
  }
);

test('the automatic layout shows all of its result', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  for (let time = 0; time < 3 && nodesOutOfView().length === 0; time++) {
    await drag(
      css('[data-mlws-node="plot"] .jp-mlws-Node-title'),
      emptyPlace(0.98, 0.98)
    );
    const view = find('.react-flow__viewport').style;
    const { transform } = view;
    await commands.move(...emptyPlace(0.5, 0.02), 1);
    await commands.wheel(-300);
    await expect.poll(() => view.transform).not.toBe(transform);
  }
  expect(nodesOutOfView()).not.toEqual([]);
  await css('.jp-mlws-auto-layout').click();
  await expect.poll(nodesOutOfView).toEqual([]);
  // The data that a node reads is a part of it.
  const source = css('[data-mlws-source="data/wine.csv"]');
  await expect.element(source).toBeInViewport({ ratio: 0.99 });
  const boxes = [source, ...NODES.map(node)].map(one =>
    one.element().getBoundingClientRect()
  );
  boxes.forEach((one, index) => {
    for (const other of boxes.slice(index + 1)) {
      expect(
        one.right <= other.left ||
          other.right <= one.left ||
          one.bottom <= other.top ||
          other.bottom <= one.top
      ).toBe(true);
    }
  });
  await canvas.undo(4);
  await expect
    .element(css('.jp-mlws-undo'))
    .toHaveAttribute('aria-disabled', 'true');
  expect(canvas.text).toBe(before);
});

test('a card from afar has title, state and result', async () => {
  await openCanvas();
  await commands.move(...middle(find('.jp-mlws-Canvas')), 1);
  const canvas = css('.jp-mlws-Canvas');
  for (let turn = 0; turn < 2; turn++) {
    await commands.wheel(200);
  }
  await expect.element(canvas).toHaveClass('jp-mod-compact');
  const part = (selector: string): ReturnType<typeof css> =>
    css(`[data-mlws-node="linear"] ${selector}`);
  await expect.element(part('> .jp-mlws-Node-kind')).not.toBeVisible();
  await expect.element(part('.jp-mlws-Node-title')).toBeVisible();
  await expect.element(part('.jp-mlws-Node-mark')).toBeVisible();
  await expect.element(part('.jp-mlws-Result-number')).toBeVisible();
});

test('an output that nothing reads offers what can read it, also on a small card', async () => {
  const canvas = await openCanvas();
  const add = (id: string, name: string): ReturnType<typeof css> =>
    css(`[data-mlws-node="${id}"] [data-mlws-add="${name}"]`);
  await commands.move(...middle(find('.jp-mlws-Palette')), 1);
  await expect.element(add('plot', 'figure')).toBeVisible();
  await expect.element(add('split', 'train')).not.toBeVisible();
  await node('split').click();
  await expect.element(add('split', 'train')).toBeVisible();

  await commands.move(...middle(find('.jp-mlws-Canvas')), 1);
  await commands.wheel(200);
  await commands.wheel(200);
  await expect.element(css('.jp-mlws-Canvas')).toHaveClass('jp-mod-compact');
  await expect.element(add('plot', 'figure')).toBeVisible();
  const plus = add('compare', 'table').element();
  const below = document.elementFromPoint(...middle(plus));
  expect(plus.contains(below)).toBe(true);
  await add('compare', 'table').click();
  await css('.jp-mlws-Chooser input').fill('histogram');
  await commands.press('Enter');
  await expect.element(node('plot_histogram')).toBeVisible();
  await expect.element(add('compare', 'table')).not.toBeVisible();
  expect(canvas.text).toContain('out/compare.table.parquet');
});
