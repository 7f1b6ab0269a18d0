import { expect, test } from 'vitest';
import { commands, type Locator, page } from 'vitest/browser';

import {
  accessFaults,
  changedLines,
  choice,
  css,
  drag,
  emptyPlace,
  find,
  hover,
  middle,
  node,
  NODES,
  openCanvas,
  type Place,
  port
} from '../../__tests__/browser/canvas';

const MAX_ENTRIES = 10;

/** The middle of a wire, in the window. */
function wirePlace(id: string): Place {
  const path = find(
    `.react-flow__edge[data-id^="${id}"] .react-flow__edge-path`
  ) as unknown as SVGPathElement;
  const place = path.getPointAtLength(path.getTotalLength() / 2);
  const { x, y } = new DOMPoint(place.x, place.y).matrixTransform(
    path.getScreenCTM()!
  );
  return [x, y];
}

test('a double click opens the node', async () => {
  await openCanvas();
  await expect.element(css('.lm-TabBar-tabLabel')).toHaveTextContent('Wine');
  await css('[data-mlws-node="forest"] .jp-mlws-Result').dblClick();
  await expect.element(css('.jp-mlws-Chooser')).not.toBeInTheDocument();
  await expect.element(css('.jp-mlws-Panel [id$="_algorithm"]')).toBeVisible();
  await expect
    .poll(() => document.querySelectorAll('.jp-mlws-Panel form :focus').length)
    .toBe(1);
  await commands.click(...emptyPlace(0.6, 0.97), { clickCount: 2 });
  await expect.element(css('.jp-mlws-Chooser')).toBeVisible();
});

test('a click on a component of the palette adds a node of it', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  const item = css('[data-mlws-component="clean_rows"]');
  await item.click();
  await expect.element(node('clean_rows')).toBeInViewport();
  await expect.element(node('clean_rows')).toHaveClass('jp-mod-selected');
  await commands.press('Control+z');
  await expect.element(node('clean_rows')).not.toBeInTheDocument();
  await item.dblClick();
  await expect.element(node('clean_rows')).toBeVisible();
  expect(canvas.text.split('jupyter mlws node clean_rows')).toHaveLength(2);
  await canvas.undo();
  expect(canvas.text).toBe(before);
  (item.element() as HTMLElement).focus();
  await commands.press('Space');
  await expect.element(node('clean_rows')).toBeVisible();
  await expect.element(item).toHaveFocus();
});

test('a component that is dropped on a wire goes between', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  const item = css('[data-mlws-component="sample_rows"]');
  item.element().scrollIntoView();
  await drag(item, wirePlace('load:table->features'));
  await expect.element(node('sample_rows')).toBeVisible();
  const changed = changedLines(before, await canvas.save()).join('\n');
  expect(changed).toContain('--data workflows/wine/out/load.table.parquet');
  expect(changed).toContain(
    '--data workflows/wine/out/sample_rows.table.parquet'
  );
  await canvas.undo();
  await expect.element(node('sample_rows')).not.toBeInTheDocument();
  expect(await canvas.save()).toBe(before);
});

test('a line to an occupied input replaces', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  const [x, y] = middle(port('load', 'out', 'table').element());
  await commands.move(x, y, 1);
  await commands.mouse('down');
  await commands.move(x + 30, y + 40, 4);
  const fits = (name: string): number =>
    document.querySelectorAll(
      `[data-mlws-port="${name}"][data-mlws-fits="true"]`
    ).length;
  await expect.poll(() => fits('split:in:data')).toBe(1);
  expect(fits('compare:in:models')).toBe(0);

  // The reason is shown above a port of a wrong type, and hidden above the background.
  await commands.move(...middle(port('compare', 'in', 'models').element()), 4);
  await expect.element(css('.jp-mlws-Canvas-refusal')).toBeVisible();
  await commands.move(...emptyPlace(0.6, 0.97), 4);
  await expect.element(css('.jp-mlws-Canvas-refusal')).not.toBeInTheDocument();

  await commands.move(...middle(port('split', 'in', 'data').element()), 6);
  await commands.mouse('up');
  await expect.poll(() => canvas.text).not.toBe(before);
  const changed = changedLines(before, await canvas.save());
  expect(
    changed.filter(line => line.startsWith('+') && line.includes('features'))
  ).toEqual([]);
  expect(changed.some(line => line.includes('load.table'))).toBe(true);
  await canvas.undo();
  expect(await canvas.save()).toBe(before);
});

test('shift-click, the plus of a port, and a short menu', async () => {
  const canvas = await openCanvas();
  const selected = (): number =>
    document.querySelectorAll('.jp-mlws-Node.jp-mod-selected').length;
  await node('load').click();
  await node('features').click({ modifiers: ['Shift'] });
  await expect.poll(selected).toBe(2);
  await node('features').click({ modifiers: ['Shift'] });
  await expect.poll(selected).toBe(1);

  const entries = css('.lm-Menu-item:not([data-type="separator"])');
  await node('features').click({ button: 'right' });
  await expect.element(entries.first()).toBeVisible();
  expect(entries.elements().length).toBeLessThanOrEqual(MAX_ENTRIES);
  await commands.press('Escape');
  await commands.click(...emptyPlace(0.6, 0.97), { button: 'right' });
  await expect.element(entries.first()).toBeVisible();
  expect(entries.elements().length).toBeLessThanOrEqual(MAX_ENTRIES);
  await commands.press('Escape');

  await hover(node('split'));
  await css('[data-mlws-node="split"] [data-mlws-add="test"]').click();
  await css('.jp-mlws-Chooser input').fill('histogram');
  await choice('test>plot_histogram').click();
  await expect.element(node('plot_histogram')).toBeInViewport();
  expect(await accessFaults('.jp-mlws-Workflow')).toEqual([]);
  // The server has no run of the new node, and gets no request for it.
  await page.getByRole('tab', { name: 'Preview' }).click();
  await expect
    .element(css('.jp-mlws-Preview'))
    .toHaveTextContent("Run the workflow to see this node's output.");
  expect(
    canvas.server.unanswered.filter(one => one.includes('nodes/'))
  ).toEqual([]);
});

test('a rectangle of nodes has the menu of its nodes', async () => {
  const canvas = await openCanvas();
  const selected = (): string[] =>
    NODES.filter(id =>
      find(`[data-mlws-node="${id}"]`).classList.contains('jp-mod-selected')
    );
  const [first, last] = ['load', 'features'].map(id =>
    node(id).element().getBoundingClientRect()
  );
  canvas.focus();
  await commands.hold('Shift', true);
  await commands.move(last.right + 12, last.bottom + 8, 1);
  await commands.mouse('down');
  await commands.move(first.left - 4, first.top - 4, 8);
  await commands.mouse('up');
  await commands.hold('Shift', false);
  await expect.poll(selected).toEqual(['load', 'features']);
  expect(String(getSelection())).toBe('');

  const entry = (text: string): Locator =>
    css('.lm-Menu-item').filter({ hasText: text });
  await commands.click(...middle(node('features').element()), {
    button: 'right'
  });
  for (const text of ['Clipboard', 'Arrange', 'Delete Selection']) {
    await expect.element(entry(text)).toBeVisible();
  }
  await expect.element(entry('Auto Layout')).not.toBeInTheDocument();
  await entry('Delete Selection').click();
  await expect.element(node('load')).not.toBeInTheDocument();
  await expect.element(node('features')).not.toBeInTheDocument();

  // A click on the ground ends the selection, and its menu is that of the canvas.
  await canvas.undo();
  await expect.element(node('features')).toBeVisible();
  await commands.click(...emptyPlace(0.6, 0.97), { button: 'right' });
  await expect.element(entry('Auto Layout')).toBeVisible();
  await expect.element(entry('Delete Selection')).not.toBeInTheDocument();
});

test('an empty workflow begins with a file and a template', async () => {
  const path = 'workflows/new/dvc.yaml';
  const canvas = await openCanvas({
    files: { [path]: 'stages: {}\n' },
    path,
    nodes: []
  });
  const starts = css('.jp-mlws-Canvas-starts button');
  await expect.poll(() => starts.elements().length).toBe(3);
  await expect.element(css('.lm-TabBar-tabLabel')).toHaveTextContent('new');
  await page.getByRole('button', { name: 'Start from a Template…' }).click();
  await page.getByLabelText('Data file').fill('data/wine.csv');
  await expect
    .element(css('.jp-Dialog datalist option[value="hue"]'))
    .toBeInTheDocument();
  await page.getByLabelText('Target column').fill('hue');
  await page.getByRole('radio').nth(1).click();
  await page.getByRole('button', { name: 'Create' }).click();
  for (const name of ['load', 'split', 'train', 'compare', 'plot']) {
    await expect.element(node(name)).toBeVisible();
  }
  const text = await canvas.save();
  expect(text).toContain('target: hue');
  expect(text).toContain('data/wine.csv');
  await canvas.undo();
  await expect.poll(() => starts.elements().length).toBe(3);
  expect(await canvas.save()).toBe('stages: {}\n');
});
