import { expect, test } from 'vitest';
import { commands, type Locator, page } from 'vitest/browser';

import {
  accessFaults,
  css,
  node,
  openCanvas
} from '../../__tests__/browser/canvas';

function row(key: string): Locator {
  return css(`[data-mlws-row="${key}"]`);
}

test('the tree says and does what the graph does', async () => {
  const canvas = await openCanvas();
  const nodes = [...document.querySelectorAll('.jp-mlws-Node')]
    .map(one => one.getAttribute('data-mlws-node'))
    .sort();
  await css('.jp-mlws-tree').click();
  const tree = page.getByRole('tree', { name: 'Tree view' });
  await expect.element(tree).toBeVisible();
  const items = tree.getByRole('treeitem');
  await expect.poll(() => items.elements().length).toBe(nodes.length);
  expect(
    items
      .elements()
      .map(one => one.getAttribute('data-id'))
      .sort()
  ).toEqual(nodes);

  // By keys alone: to a node, into its ports, along a connection.
  await expect.element(items.first()).toHaveFocus();
  await commands.press('f');
  await expect.element(row('features')).toHaveFocus();
  await commands.press('f');
  await expect.element(row('forest')).toHaveFocus();
  await expect.element(css('.jp-mlws-Panel input').first()).toBeVisible();
  await commands.press('ArrowRight');
  await expect.element(row('forest')).toHaveAttribute('aria-expanded', 'true');
  await commands.press('ArrowRight');
  const port = css('[data-mlws-row]:focus');
  await expect.element(port).toHaveTextContent('from split');
  expect(await accessFaults('.jp-mlws-Workflow')).toEqual([]);
  await commands.press('Enter');
  await expect.element(row('split')).toHaveFocus();

  // A connection is removed and comes back.
  await commands.press('f');
  await commands.press('ArrowRight');
  await commands.press('Delete');
  await expect.element(port).not.toHaveTextContent('from split');
  await expect.element(row('forest')).toBeVisible();
  await commands.press('Control+z');
  await expect.element(port).toHaveTextContent('from split');
  await commands.press('ArrowLeft');
  await expect.element(row('forest')).toHaveFocus();

  // The tree shows the state of each node.
  canvas.willStartRun();
  await commands.press('Control+Enter');
  const state = css('[data-mlws-row="compare"] .jp-mlws-State');
  await expect.element(state).toHaveAttribute('data-mlws-state', 'RUNNING');
  canvas.failRun();
  await expect.element(state).toHaveAttribute('data-mlws-state', 'SKIPPED');
  await row('compare').click({ button: 'right' });
  await expect
    .element(page.getByRole('menuitem', { name: 'Run to Here' }))
    .toBeVisible();
  await commands.press('Escape');

  await css('.jp-mlws-tree').click();
  await expect.element(tree).not.toBeInTheDocument();
  await expect.element(node('compare')).toBeVisible();
});
