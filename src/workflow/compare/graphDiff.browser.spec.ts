import '@jupyterlab/theme-light-extension/style/variables.css';
import { Widget } from '@lumino/widgets';
import { expect, onTestFinished, test } from 'vitest';

import '../../../style/index.css';
import '../../__tests__/browser/lab.css';
import { accessFaults, css, find } from '../../__tests__/browser/canvas';
import { parse } from '../document/document';
import { graphDiff } from '../graph/graphDiff';
import { GraphDiffView } from './graphDiffView';

const COUNT = 12;
/** Pixels on the screen. */
const MIN_TYPE = 12;
const MIN_ZOOM = 0.5;

/** Chain of nodes whose last node has settings. */
function chain(rate: number): string {
  const stages = Array.from(
    { length: COUNT },
    (_, n) =>
      `  prepare_${n}: {cmd: run ${n === COUNT - 1 ? rate : ''}, deps: [f${n}], outs: [f${n + 1}]}`
  );
  return ['stages:', ...stages, ''].join('\n');
}

test('a comparison of two versions can be read', async () => {
  const [before, after] = [1, 2].map(rate => parse(chain(rate)).document!);
  const diff = graphDiff(before, after, { code: [], data: [], metrics: [] });
  const view = new GraphDiffView(diff, { from: 'a', to: 'b' });
  onTestFinished(() => view.dispose());
  view.node.style.cssText = 'position: fixed; inset: 0';
  Widget.attach(view, document.body);
  const nodes = css('[data-mlws-diff-node]');
  await expect.poll(() => nodes.elements().length).toBe(COUNT);
  const zoom = (): number =>
    new DOMMatrix(getComputedStyle(find('.react-flow__viewport')).transform).a;
  await expect.poll(zoom).toBeGreaterThan(MIN_ZOOM);
  const outOfView = (): Element[] => {
    const room = find('.jp-mlws-Canvas').getBoundingClientRect();
    return nodes.elements().filter(element => {
      const box = element.getBoundingClientRect();
      return (
        box.left < room.left ||
        box.right > room.right ||
        box.bottom > room.bottom
      );
    });
  };
  await expect.poll(outOfView).toEqual([]);
  for (const element of nodes.elements()) {
    const [title, foot] = ['title', 'foot'].map(name =>
      element.querySelector(`.jp-mlws-Node-${name}`)!.getBoundingClientRect()
    );
    expect(foot.top).toBeGreaterThanOrEqual(title.bottom - 1);
    for (const selector of ['.jp-mlws-Node-title', '.jp-mlws-Node-foot']) {
      const text = element.querySelector<HTMLElement>(selector)!;
      const size = parseFloat(getComputedStyle(text).fontSize) * zoom();
      expect(size).toBeGreaterThanOrEqual(MIN_TYPE - 0.1);
    }
  }
  expect(await accessFaults('.jp-mlws-GraphDiff')).toEqual([]);
});
