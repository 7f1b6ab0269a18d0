import { expect, test } from 'vitest';
import { page } from 'vitest/browser';

import { css, node, openCanvas, WORKFLOW } from '../__tests__/browser/canvas';

test('the plan follows edits that are not saved', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  const run = css('.jp-mlws-run');
  await expect.element(run).toHaveTextContent('Everything is up to date');
  await expect
    .element(page.getByRole('button', { name: 'Run All Again' }))
    .toBeVisible();
  await node('forest').click();
  await css('[id$="_max_depth"]').fill('5');
  await expect.element(run).toHaveTextContent('Run 3 nodes · ~');
  await expect
    .element(css('li[data-mlws-mark="run"]'))
    .toHaveTextContent('Will run 3');
  expect(canvas.widget.context.model.dirty).toBe(true);
  expect(canvas.server.files.get(WORKFLOW)).toBe(before);
  await css('.jp-mlws-undo').click();
  await expect.element(run).toHaveTextContent('Everything is up to date');
});

test('a button of the toolbar does not stay pressed', async () => {
  await openCanvas();
  const fit = css('.jp-mlws-fit');
  for (let time = 0; time < 3; time++) {
    await fit.click();
    await expect.element(fit).toHaveAttribute('aria-pressed', 'false');
  }
  const tree = css('.jp-mlws-tree');
  await tree.click();
  await expect.element(tree).toHaveAttribute('aria-pressed', 'true');
  await tree.click();
  await expect.element(tree).toHaveAttribute('aria-pressed', 'false');
});
