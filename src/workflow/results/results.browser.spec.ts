import { expect, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import {
  accessFaults,
  css,
  downloaded,
  find,
  node,
  openCanvas,
  WORKFLOW
} from '../../__tests__/browser/canvas';

test('the drawer shows metrics, tables and figures', async () => {
  const canvas = await openCanvas();
  await page.getByRole('tab', { name: 'Metrics' }).click();
  // The best model, and the changes since the previous run.
  const best = css('.jp-mlws-Matrix tr:has(strong)').first();
  await expect.element(best).toHaveTextContent('linear');
  await expect
    .element(css('.jp-mlws-Matrix .jp-mlws-Delta').first())
    .toHaveTextContent('▲');
  await expect
    .element(css('.jp-mlws-RunChanges'))
    .toHaveTextContent('forest.n_estimators: 50 → 100');

  await node('features').click();
  await page.getByRole('tab', { name: 'Preview' }).click();
  const grid = css('.jp-mlws-Grid');
  await expect.element(grid).toHaveAttribute('aria-rowcount', '178');
  await grid.getByRole('button', { name: 'malic_acid', exact: true }).click();
  await expect
    .element(css('.jp-mlws-Grid [aria-rowindex="1"] [aria-colindex="2"]'))
    .toHaveTextContent('0.74');
  await page.getByLabelText('Filter alcohol', { exact: true }).fill('> 14');
  await expect.element(grid).toHaveAttribute('aria-rowcount', '22');
  await page
    .getByRole('button', { name: 'Statistics of alcohol', exact: true })
    .click();
  await expect.element(css('.jp-mlws-ColumnPane')).toHaveTextContent('Mean');
  expect(
    document.querySelectorAll('.jp-mlws-ColumnPane .jp-mlws-Bins li')
  ).toHaveLength(20);
  expect(await accessFaults('.jp-mlws-Drawer')).toEqual([]);

  // The drawer takes its height from the graph.
  await canvas.command('workflow:fit');
  await node('plot').click();
  await page.getByTitle('Show in full size').click();
  await expect.element(css('.jp-mlws-FullSize img')).toBeVisible();
  await commands.press('Escape');
  await expect.element(css('.jp-mlws-FullSize img')).not.toBeVisible();
});

test('the drawer keeps its size', async () => {
  const { lab, widget } = await openCanvas();
  await page.getByRole('tab', { name: 'Metrics' }).click();
  const bar = page.getByRole('separator', { name: 'Height of the results' });
  const size = Number(bar.element().getAttribute('aria-valuenow')) + 20;
  (bar.element() as HTMLElement).focus();
  await commands.press('ArrowUp');
  await expect.element(bar).toHaveAttribute('aria-valuenow', String(size));
  await expect
    .poll(() => lab.state.fetch('mlws-workflow-panes'))
    .toMatchObject({ panes: { drawer: { size, isOpen: true } } });
  widget.close();
  await expect.element(bar).not.toBeInTheDocument();
  await lab.open(WORKFLOW);
  await expect.element(bar).toHaveAttribute('aria-valuenow', String(size));
});

test('a report is exported as one file', async () => {
  await openCanvas();
  await page.getByRole('button', { name: 'Report' }).click();
  await expect
    .element(css('.jp-mlws-Report-page .jp-mlws-Preview-figure'))
    .toBeVisible();
  await expect
    .element(css('.jp-mlws-Report-page .jp-mlws-Matrix'))
    .toHaveTextContent('linear');
  await expect
    .element(css('[data-mlws-report="load table"]'))
    .toHaveTextContent('malic_acid');
  const { name, text } = await downloaded(() =>
    page.getByRole('button', { name: 'Export as HTML' }).click()
  );
  expect(name).toBe('Wine.html');
  expect(text).toContain('data:image/png;base64,');
  for (const outside of ['http://', 'https://', '<script']) {
    expect(text).not.toContain(outside);
  }
});

test('values of metrics with long names are in view', async () => {
  await openCanvas({
    path: 'workflows/tuned/dvc.yaml',
    nodes: ['measure']
  });
  await node('measure').click();
  await page.getByRole('tab', { name: 'Preview' }).click();
  const values = css('.jp-mod-metrics tr td');
  await expect.poll(() => values.elements().length).toBe(2);
  const drawer = find('.jp-mlws-Drawer').getBoundingClientRect();
  for (const value of values.elements()) {
    expect(value.textContent).toContain('0.123');
    expect(value.getBoundingClientRect().right).toBeLessThanOrEqual(
      drawer.right
    );
  }
  expect(find('.jp-mod-metrics').textContent).toContain(
    'mean_average_precision_at_fifty_of_the_validation_images'
  );
});
