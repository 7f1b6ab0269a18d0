import { expect, test } from 'vitest';
import { commands } from 'vitest/browser';

import {
  css,
  drag,
  middle,
  node,
  openCanvas
} from '../../__tests__/browser/canvas';

const PARAMS =
  '# How it is trained\ntrain:\n  lr: 0.1   # the rate\n  depth: 4\n';
const TEXT = `\
stages:
  train:
    cmd: cat params.yaml > out.txt
    params: [train]
    outs: [out.txt]
`;

test('the newest step is undone in whichever file it was', async () => {
  const canvas = await openCanvas({
    files: { 'params.yaml': PARAMS, 'dvc.yaml': TEXT },
    path: 'dvc.yaml',
    nodes: ['train']
  });
  const { files } = canvas.server;
  /** The workflow as it is saved, and the file of parameters, which is written at once. */
  const texts = async (): Promise<(string | undefined)[]> => [
    await canvas.save(),
    files.get('params.yaml')
  ];
  const setParam = async (name: string, value: string): Promise<void> => {
    await css(`[data-mlws-param="${name}"]`).fill(value);
    await commands.press('Enter');
    await expect.poll(() => files.get('params.yaml')).toContain(`: ${value}`);
  };

  const steps = [await texts()];
  await node('train').click();
  const [x, y] = middle(node('train').element());
  await drag(node('train'), [x + 90, y + 60]);
  await expect.poll(() => canvas.text).toContain('meta: {at: [');
  steps.push(await texts());
  await setParam('train.lr', '0.01');
  steps.push(await texts());
  await css('.jp-mlws-NameField').fill('fit');
  await commands.press('Enter');
  await expect.element(node('fit')).toBeVisible();
  steps.push(await texts());
  await setParam('train.depth', '8');
  steps.push(await texts());

  for (const expected of steps.slice(0, -1).reverse()) {
    await canvas.undo();
    await expect.poll(texts).toEqual(expected);
  }
  await expect
    .element(css('.jp-mlws-undo'))
    .toHaveAttribute('aria-disabled', 'true');
  for (const expected of steps.slice(1)) {
    canvas.focus();
    await commands.press('Control+Shift+z');
    await expect.poll(texts).toEqual(expected);
  }
  await node('fit').click();
  await expect.element(css('[data-mlws-param="train.depth"]')).toHaveValue('8');
});
