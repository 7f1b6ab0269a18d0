import { expect, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import {
  accessFaults,
  changedLines,
  css,
  node,
  openCanvas,
  port
} from '../../__tests__/browser/canvas';

test('a setting that is invalid says why, and is not lost', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  await node('split').click();
  const field = css('.jp-mlws-Panel [id$="_test_size"]');
  await field.fill('7');
  await expect
    .element(css('.jp-mlws-Panel'))
    .toHaveTextContent('Must be greater than 0 and less than 1');
  await expect.element(field).toHaveValue(7);
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);
  await field.fill('0.5');
  await expect
    .element(css('.jp-mlws-Panel'))
    .not.toHaveTextContent('Must be greater than 0');
  expect(changedLines(before, await canvas.save())).toEqual([
    '-  - split: {test_size: 0.3, stratify: target}',
    '+  - split: {test_size: 0.5, stratify: target}'
  ]);
});

test('a name that cannot be one is refused, and Escape takes it back', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  await node('forest').click();
  const field = css('.jp-mlws-NameField');
  await field.fill('two words');
  await expect.element(css('.jp-mlws-Field-error')).toBeVisible();
  await commands.press('Enter');
  expect(canvas.text).toBe(before);
  await commands.press('Escape');
  await expect.element(field).toHaveValue('forest');
  await expect.element(css('.jp-mlws-Field-error')).not.toBeInTheDocument();
});

test('the file of an output moves with what reads it', async () => {
  const canvas = await openCanvas();
  await node('features').click();
  await page.getByText('Files', { exact: true }).click();
  const field = css('[data-mlws-output="table"]');
  await field.fill('workflows/wine/out/load.table.parquet');
  await expect
    .element(page.getByRole('alert'))
    .toHaveTextContent('The path is in use, or a program names the file.');
  await field.fill('data/chosen.parquet');
  await commands.press('Enter');
  const text = await canvas.save();
  expect(text).not.toContain('features.table.parquet');
  expect(text).toContain('--table data/chosen.parquet');
  expect(text).toContain('--data data/chosen.parquet');
});

test('the files and the command of a script are edited', async () => {
  const text = 'stages:\n  fit:\n    cmd: python fit.py\n';
  const canvas = await openCanvas({
    files: { 'dvc.yaml': text },
    path: 'dvc.yaml',
    nodes: ['fit']
  });
  await node('fit').click();
  await page.getByLabelText('Add to Outputs').fill('data/model.bin');
  await commands.press('Enter');
  await expect.element(port('fit', 'out', 'model.bin')).toBeVisible();
  const command = css('.jp-mlws-CommandField');
  await command.fill('python fit.py --all');
  await commands.press('Tab');
  await expect.poll(() => canvas.text).toContain('--all');
  expect(changedLines(text, await canvas.save())).toEqual([
    '-    cmd: python fit.py',
    '+    cmd: python fit.py --all',
    '+    outs:',
    '+      - data/model.bin'
  ]);
  // An empty command is not written: the field shows the present command.
  await command.fill('');
  await expect
    .element(page.getByRole('alert'))
    .toHaveTextContent('The node has no command');
  await commands.press('Tab');
  await expect.element(command).toHaveValue('python fit.py --all');
  expect(canvas.text).toContain('    cmd: python fit.py --all\n');
  await page.getByRole('button', { name: 'Remove data/model.bin' }).click();
  await expect.element(port('fit', 'out', 'model.bin')).not.toBeInTheDocument();
});

test('the box of a failed node leads to its log and a notebook', async () => {
  const canvas = await openCanvas({ state: 'failed' });
  await node('split').click();
  const box = css('.jp-mlws-NodeFailure');
  await expect
    .element(box)
    .toHaveTextContent("the table has no columns ['nosuch']");
  // The invalid setting was replaced: nothing is left to correct.
  await expect
    .element(page.getByRole('button', { name: /^Fix/ }))
    .not.toBeInTheDocument();
  await page.getByRole('button', { name: 'Debug in Notebook' }).click();
  await expect
    .poll(() => canvas.server.unanswered)
    .toContain(
      'workflows/workflows~1wine~1dvc.yaml/runs/run-4/nodes/split/notebook'
    );
  await box.getByRole('button', { name: 'Show Log' }).click();
  await expect
    .element(css('.jp-mlws-Log'))
    .toHaveTextContent("no columns ['nosuch']");
  await node('load').click();
  await expect.element(box).not.toBeInTheDocument();
});
