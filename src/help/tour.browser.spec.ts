import { expect, test } from 'vitest';

import { css, openCanvas } from '../__tests__/browser/canvas';
import { IMLWSClient } from '../lab/tokens';
import { showTour } from './tour';

/** The step about the results. */
const RESULTS = 2;

test('the step about the results opens them', async () => {
  const { lab } = await openCanvas();
  const client = await lab.resolveRequiredService(IMLWSClient);
  await expect.element(css('.jp-mlws-Drawer-body')).not.toBeInTheDocument();
  void showTour({ client, commands: lab.commands }, RESULTS);
  await expect.element(css('.jp-mlws-Drawer-body')).toBeVisible();
  // An open section stays open.
  void showTour({ client, commands: lab.commands }, RESULTS);
  await new Promise(resolve => setTimeout(resolve, 200));
  await expect.element(css('.jp-mlws-Drawer-body')).toBeVisible();
});
