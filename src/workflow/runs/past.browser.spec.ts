import { Notification } from '@jupyterlab/apputils';
import { expect, test } from 'vitest';
import { commands, type Locator, page } from 'vitest/browser';

import {
  accessFaults,
  css,
  find,
  node,
  openCanvas,
  WORKFLOW
} from '../../__tests__/browser/canvas';
import recording from '../../__tests__/browser/recording.json';

/** Part of the canvas of a past run. */
function past(selector: string): Locator {
  return css(`.jp-mod-past ${selector}`);
}

function pastNode(id: string): Locator {
  return past(`[data-mlws-node="${id}"]`);
}

/** Opens the canvas of a run of the list, the newest by default. */
async function showRun(index = 0): Promise<void> {
  await css('.jp-mlws-Drawer [data-mlws-past-run]').nth(index).click();
}

async function expectState(one: Locator, state: string): Promise<void> {
  await expect.element(one).toHaveAttribute('data-mlws-state', state);
}

test('a past run shows the workflow and the settings that it had', async () => {
  const canvas = await openCanvas();
  const before = canvas.text;
  await node('plot').click();
  canvas.focus();
  await commands.press('Delete');
  await expect.element(node('plot')).not.toBeInTheDocument();
  await page.getByRole('tab', { name: 'Runs' }).click();
  await showRun(2);

  const banner = past('.jp-mlws-Banner');
  await expect
    .element(banner)
    .toHaveTextContent('Read-only: the workflow of the run of');
  await expect.element(banner).toHaveTextContent('n_estimators 50 → 100');
  await expect.element(banner).toHaveTextContent('plot (Removed)');
  const forest = pastNode('forest');
  await expectState(forest, 'COMPLETED');
  await expect
    .element(past('[data-mlws-node="forest"] .jp-mlws-Result-number'))
    .toBeVisible();
  // It had no run before it.
  await expect.element(past('.jp-mlws-ChangeTag')).not.toBeInTheDocument();
  await expect.element(past('[data-mlws-node="plot"] img')).toBeVisible();
  await forest.click();
  const field = past('[id$="_n_estimators"]');
  await expect.element(field).toHaveValue(50);
  await expect.element(field).toBeDisabled();
  find('.jp-mod-past .jp-mlws-Canvas').focus();
  await commands.press('Delete');
  await expect.element(forest).toBeVisible();
  await forest.click({ button: 'right' });
  await expect.element(css('.lm-Menu')).not.toBeInTheDocument();
  expect(await accessFaults('.jp-mlws-Workflow.jp-mod-past')).toEqual([]);

  await page.getByRole('button', { name: 'Compare with Now' }).click();
  await expect.element(css('[data-mlws-difference="plot"]')).toBeVisible();
  await css('.lm-TabBar-tab').getByText('Run of').first().click();
  await page.getByRole('button', { name: 'Back to Now' }).click();
  await expect.element(forest).not.toBeInTheDocument();
  await expect.element(node('forest')).toBeVisible();
  expect(canvas.server.files.get(WORKFLOW)).toBe(before);

  // The workflow of the run is restored, as a single step.
  await showRun(2);
  await page.getByRole('button', { name: 'Use This Version' }).click();
  await expect.element(forest).not.toBeInTheDocument();
  await expect.element(node('plot')).toBeVisible();
  await expect.poll(() => canvas.text).toContain('n_estimators: 50');
  await css('.jp-mlws-undo').click();
  await expect.element(node('plot')).not.toBeInTheDocument();
  await css('.jp-mlws-undo').click();
  expect(canvas.text).toBe(before);
});

test('a past run is in view with the parameters that it had', async () => {
  const path = 'workflows/tuned/dvc.yaml';
  const names = [
    ...Array.from({ length: 14 }, (_, number) => `step${number}`),
    'measure'
  ];
  const canvas = await openCanvas({ path, nodes: names });
  await node('step3').click();
  await expect.element(css('[data-mlws-param="rate"]')).toHaveValue('0.5');
  await page.getByRole('tab', { name: 'Runs' }).click();
  await showRun();

  await expect.element(pastNode('step13')).toBeVisible();
  await expect
    .poll(() => {
      const view = find('.jp-mod-past .jp-mlws-Canvas').getBoundingClientRect();
      return names.filter(name => {
        const box = pastNode(name).element().getBoundingClientRect();
        return (
          box.left < view.left ||
          box.right > view.right ||
          box.top < view.top ||
          box.bottom > view.bottom
        );
      });
    })
    .toEqual([]);
  await pastNode('step3').click();
  const field = past('[data-mlws-param="rate"]');
  await expect.element(field).toHaveValue('0.1');
  await expect.element(field).toBeDisabled();
  expect(canvas.server.files.get('workflows/tuned/params.yaml')).toBe(
    'rate: 0.5\n'
  );
});

test('a run that failed shows nothing of another run', async () => {
  // With the text of now, all nodes are up to date again.
  await openCanvas({ state: 'failed' });
  await css('.jp-mlws-history').click();
  const bars = css('.jp-mlws-History-pane [data-mlws-bar]');
  const runs = css('.jp-mlws-History-pane [data-mlws-past-run]');
  await expect.poll(() => runs.elements().length).toBe(4);
  await expect.element(runs.first()).toHaveAttribute('aria-current', 'true');
  await showRun();

  const expectMark = async (one: Locator, mark: string): Promise<void> => {
    await expect.element(one).toHaveAttribute('data-mlws-mark', mark);
  };
  await expectMark(pastNode('split'), 'failed');
  await expectMark(pastNode('load'), 'cached');
  for (const id of ['forest', 'linear', 'compare', 'plot']) {
    await expectState(pastNode(id), 'SKIPPED');
    await expectMark(pastNode(id), 'stopped');
    expect(
      find(`.jp-mod-past [data-mlws-node="${id}"]`).textContent
    ).not.toMatch(/accuracy|\d\.\d/);
  }
  await expect.element(past('img')).not.toBeInTheDocument();
  await expect
    .element(past('[data-mlws-node="load"] .jp-mlws-Result-text'))
    .toHaveTextContent('178');
  await expect
    .element(past('.jp-mlws-Node-state[aria-label="Failed"]'))
    .toBeVisible();
  await expect
    .element(past('.jp-mlws-Legend'))
    .toHaveTextContent('Failed 1Completed 2Stopped or skipped 4');

  // It had no metrics, which are then not the same as those of the run before.
  await expect
    .element(past('.jp-mlws-Metrics'))
    .toHaveTextContent('This run has no metrics.');
  const changes = past('.jp-mlws-RunChanges');
  await expect.element(changes).toHaveTextContent('split.stratify');
  await expect
    .element(changes)
    .toHaveTextContent('12 metrics have no value in this run');
  await expect.element(changes).not.toHaveTextContent('the same');
  await pastNode('plot').click();
  await past('[role=tab]').getByText('Preview').click();
  await expect
    .element(past('.jp-mlws-Preview'))
    .toHaveTextContent('This run did not create');
  await pastNode('split').click();
  await expect
    .element(past('.jp-mlws-NodeFailure'))
    .toHaveTextContent("the table has no columns ['nosuch']");
  await past('.jp-mlws-NodeFailure').getByText('Show Log').click();
  await expect.element(past('.jp-mlws-Log')).toHaveTextContent('nosuch');
  expect(await accessFaults('.jp-mlws-Workflow.jp-mod-past')).toEqual([]);

  // A second run replaces it.
  await past('[role=tab]').getByText('Runs').click();
  await past('[data-mlws-past-run]').nth(1).click();
  await expectState(pastNode('split'), 'CACHED');
  await expect
    .element(past('.jp-mlws-Banner'))
    .toHaveTextContent('It is the same now.');
  expect(
    document.querySelectorAll('.jp-mlws-Workflow.jp-mod-past')
  ).toHaveLength(1);
  await expect
    .element(past('[data-mlws-past-run]').nth(1))
    .toHaveAttribute('aria-current', 'true');
  await expect.poll(() => past('[data-mlws-bar]').elements().length).toBe(3);
  await pastNode('forest').click();
  await past('[role=tab]').getByText('Log').click();
  await expect.element(past('.jp-mlws-Log')).toHaveTextContent('random_forest');
  await past('.jp-mlws-Drawer-report').click();
  await expect
    .element(css('.jp-mlws-Report-page .jp-mlws-Matrix'))
    .toHaveTextContent('linear');
  await css('.lm-TabBar-tab')
    .getByText('Run of', { exact: false })
    .first()
    .click();
  await page.getByRole('button', { name: 'Back to Now' }).click();
  await expect.element(pastNode('split')).not.toBeInTheDocument();
  // The canvas was that of now all the time.
  await expectState(node('split'), 'FAILED');
  await expect.element(bars.first()).toBeVisible();
});

test('a failed node says why and leads to its setting', async () => {
  const canvas = await openCanvas({
    files: {
      [WORKFLOW]: recording.files[WORKFLOW].replace(
        'stratify: target',
        'stratify: nosuch'
      )
    }
  });
  canvas.willStartRun();
  await css('.jp-mlws-run').click();
  await expectState(css('.jp-mlws-StateText [data-mlws-run]'), 'RUNNING');
  canvas.failRun();

  // It is selected by itself.
  const failure = css('.jp-mlws-NodeFailure');
  const reason = "the table has no columns ['nosuch']";
  await expect.element(failure).toHaveTextContent(reason);
  const notices = Notification.manager.notifications.filter(one =>
    one.message.includes('“split” failed')
  );
  expect(notices).toHaveLength(1);
  expect(notices[0].message).toContain(reason);
  expect(notices[0].options.actions?.map(one => one.label)).toContain('Show');
  await expectState(node('split'), 'FAILED');
  // The selection is a ring around the color of the failure.
  await expect.element(node('split')).toHaveClass('jp-mod-selected');
  const { borderTopColor, outlineColor } = getComputedStyle(
    node('split').element()
  );
  expect(outlineColor).not.toBe(borderTopColor);
  expect(getComputedStyle(node('load').element()).borderTopColor).not.toBe(
    borderTopColor
  );
  await page.getByRole('button', { name: 'Fix “stratify”' }).click();
  const field = css('[id$="_stratify"]');
  await expect.element(field).toHaveFocus();
  expect(await accessFaults('.jp-mlws-Workflow')).toEqual([]);
  await field.selectOptions('target');
  await expect.element(css('.jp-mlws-run')).toHaveTextContent('Restore 1 node');
});
