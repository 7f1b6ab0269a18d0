import { expect, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import {
  accessFaults,
  changedLines,
  choice,
  css,
  drag,
  emptyPlace,
  find,
  middle,
  node,
  openCanvas,
  port
} from '../../__tests__/browser/canvas';

const OUT = 'workflows/wine/out';

test('a node is renamed, frozen and both undone', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  await node('forest').click();
  await commands.press('F2');
  const field = css('.jp-mlws-NameField');
  await expect.element(field).toHaveFocus();
  await commands.type('linear');
  await expect
    .element(css('.jp-mlws-Field-error'))
    .toHaveTextContent('already exists');
  await commands.press('Control+a');
  await commands.type('trees');
  await commands.press('Enter');
  await expect.element(node('trees')).toBeVisible();
  expect(await canvas.save()).toBe(
    before
      .replace('  - forest: {', '  - trees: {')
      .replace('\n  forest:\n', '\n  trees:\n')
      .replaceAll('out/forest.', 'out/trees.')
      .replaceAll('${forest}', '${trees}')
  );

  await node('trees').click();
  await canvas.command('workflow:freeze');
  await expect.element(node('trees')).toHaveClass('jp-mod-frozen');
  await canvas.undo(2);
  await expect.element(node('forest')).toBeVisible();
  expect(await canvas.save()).toBe(before);
});

test('the deletion of the focused node is undone by the keyboard', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  await node('plot').click();
  await commands.press('Delete');
  await expect.element(node('plot')).not.toBeInTheDocument();
  await commands.press('Control+z');
  await expect.element(node('plot')).toBeVisible();
  // A menu has the focus before it deletes.
  await node('plot').click({ button: 'right' });
  await css('.lm-Menu-item').filter({ hasText: 'Delete Selection' }).click();
  await expect.element(node('plot')).not.toBeInTheDocument();
  await commands.press('Control+z');
  await expect.element(node('plot')).toBeVisible();
  expect(await canvas.save()).toBe(before);
});

test('nodes are copied within a workflow and into another', async () => {
  const tea = 'workflows/tea/dvc.yaml';
  const canvas = await openCanvas({ files: { [tea]: '# Tea\nstages: {}\n' } });
  const before = canvas.text;
  await node('load').click();
  await node('features').click({ modifiers: ['Control'] });
  await commands.press('Control+c');
  await commands.move(...emptyPlace(), 1);
  await commands.press('Control+v');
  await expect.element(node('load_2')).toBeVisible();
  await expect
    .poll(() => document.querySelectorAll('.react-flow__edge').length)
    .toBe(11);
  const added = changedLines(before, await canvas.save());
  expect(added.every(line => line.startsWith('+'))).toBe(true);
  expect(added.join('\n')).toContain(
    `+    deps:\n+      - ${OUT}/load_2.table.parquet`
  );
  await canvas.undo();
  await expect.element(node('load_2')).not.toBeInTheDocument();
  expect(await canvas.save()).toBe(before);

  const other = await canvas.lab.open(tea);
  await expect.element(css('.jp-mlws-Canvas-empty')).toBeVisible();
  other.content.focus();
  await commands.press('Control+v');
  await expect
    .element(css(`#${other.id} [data-mlws-node="features"]`))
    .toBeVisible();
  await other.context.save();
  const text = canvas.server.files.get(tea);
  expect(text).toMatch(/^# Tea\n/);
  expect(text).toContain('workflows/tea/out/load.table.parquet');
  expect(text).toContain('columns: [alcohol, malic_acid');
});

test('notes are Markdown of which nothing runs, and frames take their nodes along', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  canvas.focus();
  await commands.press('Control+Shift+k');
  await expect.element(css('.jp-mlws-StickyNote textarea')).toHaveFocus();
  await commands.press('Control+a');
  const hostile =
    "<img src=x onerror='window.hostile = 1'><script>window.hostile = 2</script>";
  await commands.type(`Four **columns** make it a contest${hostile}`);
  await commands.press('Enter');
  const note = css('.jp-mlws-StickyNote');
  await expect
    .element(note)
    .toHaveTextContent('Four columns make it a contest');
  expect(find('.jp-mlws-StickyNote strong').textContent).toBe('columns');
  expect(document.querySelector('.jp-mlws-StickyNote script')).toBeNull();
  expect(window).not.toHaveProperty('hostile');
  await node('forest').click();
  await node('linear').click({ modifiers: ['Control'] });
  await commands.press('Control+g');
  await expect.element(css('.jp-Dialog')).toBeVisible();
  await commands.type('Models');
  await commands.press('Enter');
  await expect.element(css('.jp-mlws-Frame')).toHaveTextContent('Models');
  const [, title] = changedLines(before, await canvas.save());
  expect(title).toContain(
    'notes: [{text: "Four **columns** make it a contest<img src=x'
  );
  expect(title).toContain('frames: [{title: Models, nodes: [forest, linear]}]');

  const [x, y] = middle(find('.jp-mlws-Frame-title'));
  const names = ['forest', 'linear'];
  const tops = (): number[] =>
    names.map(name => node(name).element().getBoundingClientRect().y);
  const old = tops();
  await drag(css('.jp-mlws-Frame-title'), [x + 30, y + 60], 60);
  const text = await canvas.save();
  tops().forEach((top, index) => {
    expect(Math.abs(top - old[index] - 60)).toBeLessThan(3);
  });
  expect(text.split('meta: {at: [').length - 1).toBe(2);
  await canvas.undo(4);
  expect(await canvas.save()).toBe(before);
});

test('a line from a port leads to what fits, and says at the pointer what does not', async () => {
  await openCanvas();
  await drag(port('compare', 'out', 'metrics'), emptyPlace(0.8, 0.9));
  const offers = css('.jp-mlws-Chooser [role=option]');
  await expect.element(offers.first()).toHaveTextContent('Plot Metrics');
  expect(
    offers.elements().some(one => one.textContent?.includes('Train Classifier'))
  ).toBe(false);
  await commands.press('Escape');
  await expect.element(css('.jp-mlws-Chooser')).not.toBeInTheDocument();

  await commands.move(...middle(port('split', 'out', 'train').element()), 1);
  await commands.mouse('down');
  const [x, y] = middle(port('compare', 'in', 'models').element());
  await commands.move(x, y, 12);
  const refusal = css('.jp-mlws-Canvas-refusal');
  await expect
    .element(refusal)
    .toHaveTextContent("Type mismatch: can't connect Table to Model");
  expect(
    Math.abs(refusal.element().getBoundingClientRect().y - y)
  ).toBeLessThan(60);
  await commands.mouse('up');
});

test('a node is found by its name', async () => {
  const canvas = await openCanvas();
  canvas.focus();
  void canvas.command('workflow:find');
  // As soon as the command has begun: the next key belongs to the field.
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Find node');
  await commands.press('Escape');
  await commands.press('Control+f');
  await commands.type('compare');
  await expect
    .element(choice('compare'))
    .toHaveAttribute('aria-selected', 'true');
  await commands.press('Enter');
  await expect.element(node('compare')).toHaveClass('jp-mod-selected');
  expect(await accessFaults('.jp-mlws-Workflow')).toEqual([]);
});

test('a frame collapses into one node, which acts for all nodes in it', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  const group = 'frames:0';
  await node('forest').click();
  await node('linear').click({ modifiers: ['Shift'] });
  await commands.press('Control+g');
  await page.getByRole('textbox', { name: 'Title' }).fill('Models');
  await commands.press('Enter');
  await page.getByRole('button', { name: 'Collapse “Models”' }).click();

  // By pointer: its outer ports, no inner node, a single change of the file.
  await expect.element(node(group)).toHaveTextContent('2 nodes');
  await expect.element(node('forest')).not.toBeInTheDocument();
  for (const member of ['forest', 'linear']) {
    await expect.element(port(member, 'in', 'data')).toBeVisible();
    await expect.element(port(member, 'out', 'model')).toBeVisible();
  }
  const text = await canvas.save();
  const frame = '{title: Models, nodes: [forest, linear], collapsed: true}';
  expect(changedLines(before, text)).toEqual([
    '-  - workflow: {name: Wine}',
    `+  - workflow: {name: Wine, frames: [${frame}]}`
  ]);
  expect(await accessFaults('.jp-mlws-Workflow')).toEqual([]);

  // By keyboard: renamed, duplicated, deleted and undone as a unit.
  const place = { position: { x: 60, y: 16 } };
  await node(group).click(place);
  void canvas.command('workflow:rename');
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Title');
  await commands.press('Escape');
  await commands.press('F2');
  await commands.type('Both');
  await commands.press('Enter');
  await expect.element(node(group)).toHaveTextContent('Both');
  await commands.press('Control+d');
  await expect.element(node('frames:1')).toHaveTextContent('Both');
  expect(await canvas.save()).toContain('nodes: [forest_2, linear_2]');
  await commands.press('Delete');
  await expect.element(node('frames:1')).not.toBeInTheDocument();
  expect(await canvas.save()).toBe(text.replace('Models', 'Both'));
  for (let time = 0; time < 3; time++) {
    await commands.press('Control+z');
  }
  await expect.element(node(group)).toHaveTextContent('Models');
  expect(await canvas.save()).toBe(text);

  // The tree view shows it as a single row, and the key expands it again.
  await node(group).click(place);
  await commands.press('Control+Shift+y');
  const row = css(`[data-mlws-row="${group}"]`);
  await expect.element(row).toHaveTextContent('forest, linear');
  await expect.element(css('[data-mlws-row="forest"]')).not.toBeInTheDocument();
  await row.click();
  await commands.press('Control+Shift+g');
  await expect.element(css('[data-mlws-row="forest"]')).toBeVisible();
  await commands.press('Control+Shift+y');
  await expect.element(node('forest')).toBeVisible();
  expect(await canvas.save()).toBe(text.replace(', collapsed: true', ''));
});
