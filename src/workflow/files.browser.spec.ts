import { expect, test } from 'vitest';
import { commands } from 'vitest/browser';

import {
  accessFaults,
  type CanvasPage,
  css,
  downloaded,
  node,
  openCanvas,
  WORKFLOW
} from '../__tests__/browser/canvas';
import recording from '../__tests__/browser/recording.json';

const TUNED = 'workflows/tuned/dvc.yaml';
const PARAMS = 'workflows/tuned/params.yaml';

async function setTrees(canvas: CanvasPage, count: number): Promise<void> {
  await node('forest').click();
  await css('.jp-mlws-Settings input[id$="n_estimators"]').fill(String(count));
  await commands.press('Tab');
  await expect.poll(() => canvas.text).toContain(`n_estimators: ${count},`);
}

test('closing asks what becomes of unsaved edits', async () => {
  const canvas = await openCanvas();
  const { lab, server, text } = canvas;
  await setTrees(canvas, 77);
  canvas.widget.close();
  const dialog = css('.jp-Dialog');
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await expect.element(css('.jp-mlws-Canvas')).not.toBeInTheDocument();
  expect(server.files.get(WORKFLOW)).toBe(text);

  const widget = await lab.open(WORKFLOW);
  await node('forest').click();
  await css('.jp-mlws-Settings input[id$="n_estimators"]').fill('99');
  await commands.press('Tab');
  await expect.poll(() => widget.context.model.dirty).toBe(true);
  widget.close();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await expect.element(css('.jp-mlws-Canvas')).not.toBeInTheDocument();
  expect(server.files.get(WORKFLOW)).toBe(
    text.replace('n_estimators: 100', 'n_estimators: 99')
  );
});

test('parameters in their own file are edited in place and planned', async () => {
  const params = '# How it is trained\nrate: 0.1   # the rate\nother: 1\n';
  const canvas = await openCanvas({
    files: { [PARAMS]: params },
    path: TUNED,
    state: 'tuned',
    nodes: ['step3']
  });
  const { files } = canvas.server;
  const { text } = canvas;
  const step = node('step3');
  await expect.element(step).toHaveAttribute('data-mlws-plan', 'cached');
  await step.click();
  const field = css('[data-mlws-param="rate"]');
  await expect.element(field).toHaveValue('0.1');
  await expect
    .element(css('[data-mlws-param="other"]'))
    .not.toBeInTheDocument();
  await field.fill('much');
  await commands.press('Enter');
  await expect
    .element(css('.jp-mlws-Field-error'))
    .toHaveTextContent('“much” is not a number');
  expect(files.get(PARAMS)).toBe(params);

  // The plan is asked for again when the file is written.
  const { path, body, data } = recording.replies.find(
    one => one.path === 'workflows/workflows~1tuned~1dvc.yaml/plan'
  )!;
  canvas.server.reply(path, body, data);
  await field.fill('0.5');
  await commands.press('Enter');
  await expect.element(step).toHaveAttribute('data-mlws-plan', 'run');
  expect(files.get(PARAMS)).toBe(params.replace('0.1', '0.5'));
  expect(files.get(TUNED)).toBe(text);
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);

  // Edits in a text editor are shown here.
  canvas.server.write(PARAMS, params.replace('0.1', '0.7'));
  await expect.element(field).toHaveValue('0.7');
});

test('versions are compared', async () => {
  const [, diff] = recording.later.versions;
  const canvas = await openCanvas({
    files: { [WORKFLOW]: (diff.data as { new: string }).new },
    state: 'versions',
    nodes: ['load', 'judge', 'added']
  });
  void canvas.command('workflow:compare');
  await expect.element(css('.jp-Dialog select').first()).toBeVisible();
  await css('.jp-Dialog .jp-mod-accept').click();
  await expect
    .element(css('[data-mlws-difference="forest"]'))
    .toHaveTextContent('n_estimators 100 → 77');
  await expect
    .element(css('[data-mlws-difference="judge"]'))
    .toHaveTextContent('renamed from compare');
  for (const [name, kind] of [
    ['added', 'added'],
    ['plot', 'removed'],
    ['load', 'same']
  ]) {
    await expect
      .element(css(`.jp-mlws-GraphDiff [data-mlws-diff-node="${name}"]`))
      .toHaveAttribute('data-mlws-kind', kind);
  }
});

test('the workflow is exported', async () => {
  const canvas = await openCanvas({ state: 'versions' });
  for (const [kind, name, begin] of [
    ['svg', 'wine.svg', '<svg'],
    ['png', 'wine.png', '\x89PNG'],
    ['script', 'wine.py', '"""Wine']
  ]) {
    const file = await downloaded(() =>
      canvas.command(`workflow:export-${kind}`)
    );
    expect(file.name).toBe(name);
    expect(file.text.slice(0, begin.length)).toBe(begin);
    if (kind === 'script') {
      expect(file.text).toContain('--n_estimators 77');
    }
  }
  void canvas.command('workflow:copy-command');
  await expect
    .element(css('.jp-Dialog'))
    .toHaveTextContent(`jupyter mlws run ${WORKFLOW}`);
});
