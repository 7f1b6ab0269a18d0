import { expect, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import {
  accessFaults,
  css,
  emptyPlace,
  node,
  openCanvas,
  WORKFLOW,
  type CanvasPage
} from '../../__tests__/browser/canvas';
import recording from '../../__tests__/browser/recording.json';

/** Opens a workflow that reads a table, and selects a node. */
async function openNode(
  name: keyof typeof recording.texts,
  selected = 'next'
): Promise<CanvasPage> {
  const canvas = await openCanvas({
    files: { [WORKFLOW]: recording.texts[name] },
    nodes: [selected]
  });
  await node(selected).click();
  return canvas;
}

test('columns are chosen from lists, and a missing one is a problem before any run', async () => {
  const canvas = await openNode('drop', 'drop');
  const group = page.getByRole('group', { name: 'Columns to drop' });
  await expect
    .poll(() =>
      group
        .getByRole('listitem')
        .elements()
        .map(one => one.textContent)
    )
    .toEqual([
      'citytext · categoryBonn, Ulm, Kiel',
      'roomsinteger3, 2, 4',
      'pricenumber2.5, 1.5',
      'churninteger0, 1'
    ]);
  await group.getByRole('checkbox', { name: 'city' }).click();
  await group.getByRole('checkbox', { name: 'price' }).click();
  expect(await canvas.save()).toContain('- drop: {drop: [city, price]}');

  await node('train').click();
  const target = page.getByLabelText('Target column');
  const options = (): string[] =>
    target
      .getByRole('option')
      .elements()
      .map(one => one.textContent ?? '');
  await expect
    .poll(options)
    .toEqual([
      'churn (last column)',
      'rooms (integer: 3, 2, 4)',
      'churn (integer: 0, 1)'
    ]);
  await target.selectOptions('churn');
  expect(await canvas.save()).toContain('- train: {target: "churn"}');
  expect(await accessFaults('.jp-mlws-Canvas')).toEqual([]);

  // Columns that an edit removes are missing downstream, before any run.
  await node('drop').click();
  await group.getByRole('checkbox', { name: 'churn' }).click();
  await commands.click(...emptyPlace(), {});
  const problems = css('.jp-mlws-Problems');
  await expect
    .element(problems)
    .toHaveTextContent("The table at the input data has no column 'churn'.");
  await expect
    .element(problems)
    .toHaveTextContent('Choose one of these: rooms.');
  await node('train').click();
  await expect
    .poll(
      () =>
        (target.element() as HTMLSelectElement).selectedOptions[0].textContent
    )
    .toBe('churn (does not exist)');
});

test('kinds and roles are chosen where the columns are shown', async () => {
  const canvas = await openNode('drop', 'load');
  const table = page.getByRole('group', {
    name: 'Columns',
    exact: true
  });
  await expect
    .element(table)
    .toHaveTextContent('3 rows, 4 columns · no column has the role');
  const churn = page.getByLabelText('Role of churn');
  await churn.selectOptions('target');
  await page.getByLabelText('Role of price').selectOptions('target');
  await page.getByLabelText('Kind of city').selectOptions('text');
  await page.getByLabelText('Kind of rooms').selectOptions('category');
  await page.getByLabelText('Kind of rooms').selectOptions('number');
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);
  // A single column is the target, and the detected kind is not written.
  await expect.element(churn).toHaveValue('feature');
  const text = await canvas.save();
  expect(text).toContain('roles: [price=target]');
  expect(text).toContain('kinds: [city=text]');
  // The file is read again with new options, but not at each choice.
  const reads = (): string[] =>
    canvas.server.unanswered.filter(one => one.startsWith('workflows/source'));
  expect(reads()).toEqual([]);
  await page.getByLabelText('Encoding', { exact: true }).click();
  await commands.type('latin');
  await expect.poll(reads).toHaveLength(1);
  await expect.element(table).toHaveTextContent('Reading the columns…');
  // The same values are in lists below.
  await page.getByText('Roles as a list').click();
  await page.getByRole('button', { name: 'Remove price' }).click();
  await expect
    .element(page.getByLabelText('Role of price'))
    .toHaveValue('feature');
  expect(await canvas.save()).not.toContain('roles');
});

test('a role of a column that is gone can be taken away', async () => {
  const lost = recording.texts.drop.replace(
    '{encoding: utf-8}',
    '{encoding: utf-8, roles: [churn=target, gone=ignored], kinds: [gone=text]}'
  );
  const canvas = await openCanvas({
    files: { [WORKFLOW]: lost },
    nodes: ['load']
  });
  const source = recording.replies.find(
    one => one.path === 'workflows/source'
  )!;
  canvas.server.reply(
    source.path,
    { path: WORKFLOW, text: lost, node: 'load' },
    source.data
  );
  await node('load').click();
  await expect
    .element(page.getByRole('list', { name: 'Columns that do not exist' }))
    .toHaveTextContent('gone (does not exist)');
  await page
    .getByRole('group', { name: 'Columns', exact: true })
    .getByRole('button', { name: 'Remove gone' })
    .click();
  const text = await canvas.save();
  expect(text).toContain('roles: [churn=target]');
  expect(text).not.toContain('gone');
});

test('an expression offers columns and shows its faults', async () => {
  const canvas = await openNode('formula');
  const expression = page.getByRole('textbox', { name: 'Expression' });
  await expect.element(expression).toHaveTextContent('pric / 2');
  const fault = css('.jp-mlws-Field-error');
  await expect
    .element(fault)
    .toHaveTextContent(
      "The table at the input data has no column 'pric'. Did you mean 'price'?"
    );
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);
  // Typed text is completed, with its type.
  await expression.click();
  await commands.press('Control+a');
  await commands.type('roo');
  const option = page.getByRole('option', { name: 'rooms' });
  await expect.element(option).toHaveTextContent('roomsinteger');
  await option.click();
  await expect.element(expression).toHaveTextContent(/^rooms$/);
  // Clicked items are inserted.
  const choices = page.getByRole('group', {
    name: 'Insert into the expression'
  });
  await choices.getByRole('button', { name: '*', exact: true }).click();
  await choices.getByRole('button', { name: 'price' }).click();
  await expect.element(expression).toHaveTextContent('rooms * price');
  await expect.element(fault).not.toBeInTheDocument();
  expect(await canvas.save()).toContain('expression: "rooms * price"');
});

test('columns are renamed by a form', async () => {
  const canvas = await openNode('rename_columns');
  const form = page.getByRole('group', { name: 'New names' });
  await form.getByLabelText('Add a column').selectOptions('city');
  await form.getByLabelText('city: New name').fill('town');
  await form.getByLabelText('Add a column').selectOptions('rooms');
  await form.getByRole('button', { name: 'Remove rooms' }).click();
  await expect
    .poll(() =>
      form
        .getByRole('option')
        .elements()
        .map(one => one.textContent)
    )
    .toEqual([
      'Add a column…',
      'rooms · integer',
      'price · number',
      'churn · integer'
    ]);
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);
  expect(await canvas.save()).toContain('{names: [city=town]}');
});

test('checks are learned by a click and edited', async () => {
  const canvas = await openNode('check_table');
  await page.getByRole('button', { name: 'Learn from the Data' }).click();
  const ranges = page
    .getByRole('group', { name: 'Ranges of values' })
    .getByLabelText('rooms: Range');
  await expect.element(ranges).toHaveValue('1..5');
  await ranges.fill('1..9');
  await page
    .getByRole('group', { name: 'Column types' })
    .getByLabelText('price: Type')
    .selectOptions('integer');
  await page
    .getByRole('group', { name: 'Rules that only warn' })
    .getByLabelText('types: price')
    .click();
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);
  const text = await canvas.save();
  for (const words of [
    'rooms=1..9',
    'price=integer',
    'types: price',
    'churn=0..2'
  ]) {
    expect(text).toContain(words);
  }
});
