import { expect, test } from 'vitest';
import { commands, type Locator } from 'vitest/browser';

import {
  accessFaults,
  changedLines,
  css,
  node,
  openCanvas
} from '../../__tests__/browser/canvas';

const OUT = 'workflows/wine/out';

function form(): Locator {
  return css('.jp-mlws-SweepForm');
}

function press(name: string): Promise<void> {
  return form().getByRole('button', { name, exact: true }).click();
}

function axis(name: string): Locator {
  return css(`[data-mlws-axis="${name}"]`);
}

async function addAxis(name: string): Promise<Locator> {
  await form().getByLabelText('Add a setting to sweep').selectOptions(name);
  return axis(name);
}

test('a sweep is made of a list and a range, and undone', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  await node('forest').click();
  await press('Sweep Values…');
  // The names of the form, and of its settings those that the algorithm uses.
  const names = (): (string | null)[] =>
    css('.jp-mlws-SweepForm option')
      .elements()
      .map(option => option.textContent);
  await expect.poll(names).toContain('Number of trees');
  expect(names()).not.toContain('n_estimators');
  expect(names()).not.toContain('Number of neighbors');
  const algorithms = await addAxis('algorithm');
  await expect.element(form()).toHaveTextContent('svm: Support vector machine');
  await algorithms.fill('random_forest, k_neighbors');
  await expect.poll(names).toContain('Number of neighbors');
  await press('Remove Algorithm from the sweep');
  await expect.poll(names).not.toContain('Number of neighbors');
  const values = await addAxis('n_estimators');
  await expect.element(values).toHaveValue('100');
  await values.fill('1, many');
  await expect.element(form()).toHaveTextContent('“many” is not an integer');
  await values.fill('1, 0');
  await expect.element(form()).toHaveTextContent('0: Must be at least 1');
  await values.fill('1, 50');
  const depth = await addAxis('max_depth');
  await form()
    .getByLabelText('Specify values of Maximum depth as')
    .selectOptions('linear');
  await axis('max_depth:from').fill('1');
  await axis('max_depth:to').fill('5');
  await axis('max_depth:count').fill('2');
  await expect.element(depth).not.toBeInTheDocument();
  await expect.element(form()).toHaveTextContent('4 variants');
  await expect
    .element(form())
    .toHaveTextContent('compare reads the files of all variants.');
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);
  await press('Create Sweep');
  await expect.element(node('forest')).toHaveTextContent('×4');
  const swept = await canvas.save();
  const changed = changedLines(before, swept);
  expect(changed).toContain(
    '+    matrix: {n_estimators: [1, 50], max_depth: [1, 5]}'
  );
  expect(changed).toContain('+  - forest: {algorithm: random_forest}');
  expect(changed).toContain(`+      - ${OUT}/forest.model.\${key}.skops`);
  const paths = ['1-1', '1-5', '50-1', '50-5'].map(
    key => `${OUT}/forest.model.${key}.skops`
  );
  for (const path of paths) {
    expect(changed).toContain(`+      - ${path}`);
  }
  expect(swept).toContain(`--models ${paths.join(' ')} --models ${OUT}/linear`);

  // Undo reverts all of it in a step; redo applies it again.
  await canvas.undo();
  await expect.element(node('forest')).not.toHaveTextContent('×4');
  expect(await canvas.save()).toBe(before);
  await commands.press('Control+Shift+z');
  await expect.element(node('forest')).toHaveTextContent('×4');
  expect(await canvas.save()).toBe(swept);
});

test("a person's own foreach is changed", async () => {
  const loop = `\
stages:
  fit:
    foreach: [1, 2]  # sizes
    do:
      cmd: echo \${item} > \${item}.txt
      outs: ['\${item}.txt']
  all:
    cmd: cat 1.txt 2.txt > all.txt
    deps: [1.txt, 2.txt]
    outs: [all.txt]
`;
  const canvas = await openCanvas({
    files: { 'dvc.yaml': loop },
    path: 'dvc.yaml',
    nodes: ['fit', 'all']
  });
  await node('fit').click();
  await press('Edit Sweep…');
  const values = axis('item');
  await expect.element(values).toHaveValue('1, 2');
  await expect
    .element(form().getByRole('button', { name: 'Remove Sweep' }))
    .not.toBeInTheDocument();
  await values.fill('1, 2, 5');
  await press('Update Sweep');
  await expect.element(node('fit')).toHaveTextContent('×3');
  expect(changedLines(loop, await canvas.save())).toEqual([
    '-    foreach: [1, 2]  # sizes',
    '+    foreach: [1, 2, 5]  # sizes',
    '-    cmd: cat 1.txt 2.txt > all.txt',
    '-    deps: [1.txt, 2.txt]',
    '+    cmd: cat 1.txt 2.txt 5.txt > all.txt',
    '+    deps: [1.txt, 2.txt, 5.txt]'
  ]);
  await canvas.undo();
  expect(await canvas.save()).toBe(loop);
});

test('a sweep is changed and ended', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  await node('linear').click();
  await press('Sweep Values…');
  await (await addAxis('C')).fill('1, 0.1');
  await press('Create Sweep');
  await expect.element(node('linear')).toHaveTextContent('×2');
  await press('Edit Sweep…');
  await axis('C').fill('1, 0.1, 0.00001');
  await press('Update Sweep');
  await expect.element(node('linear')).toHaveTextContent('×3');
  const text = await canvas.save();
  expect(text).toContain('matrix: {C: [1, 0.1, 0.00001]}');
  // Python formats small numbers differently, and so does the graph.
  expect(text).toContain(`${OUT}/linear.model.1e-05.skops`);
  // Settings that do not vary are edited as ever.
  await expect
    .element(css('.jp-mlws-Settings input[id$="scale"]'))
    .toBeChecked();
  await expect
    .element(css('.jp-mlws-Settings input[id$="_C"]'))
    .not.toBeInTheDocument();

  await press('Edit Sweep…');
  await press('Remove Sweep');
  await expect.element(node('linear')).not.toHaveTextContent('×');
  // 1 is the default.
  expect(changedLines(before, await canvas.save())).toEqual([
    '-  - linear: {algorithm: logistic_regression, C: 1.0}',
    '+  - linear: {algorithm: logistic_regression}'
  ]);
});

test('a script that cannot vary says why', async () => {
  const text =
    'stages:\n  fit:\n    cmd: python fit.py --lr 0.1\n    outs: [model.bin]\n';
  const canvas = await openCanvas({
    files: { 'dvc.yaml': text },
    path: 'dvc.yaml',
    nodes: ['fit']
  });
  await node('fit').click();
  await press('Sweep Values…');
  await expect
    .element(form().getByRole('alert'))
    .toHaveTextContent('would write to “model.bin”');
  await press('Close');
  await css('.jp-mlws-CommandField').fill(
    'python fit.py --lr 0.1 --to model.bin'
  );
  await commands.press('Tab');
  await press('Sweep Values…');
  await (await addAxis('lr')).fill('0.1, 1');
  await press('Create Sweep');
  await expect.element(node('fit')).toHaveTextContent('×2');
  expect(await canvas.save()).toBe(
    'stages:\n  fit:\n    matrix: {lr: [0.1, 1]}\n' +
      '    cmd: python fit.py --lr ${item.lr} --to model.${key}.bin\n' +
      '    outs: ["model.${key}.bin"]\n'
  );
});
