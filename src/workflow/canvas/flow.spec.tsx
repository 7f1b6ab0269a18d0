import { YFile } from '@jupyter/ydoc';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, expect, it, vi } from 'vitest';

import { Flow } from './flow';
import { CanvasContext, type ICanvasContext } from '../context';
import { CanvasModel } from '../store/model';
import { WINE } from '../../__tests__/samples';
import { edgeEnds } from '../graph/geometry';
import { graphSvg } from '../graph/svg';
import { toNodes } from './nodes';
import * as gestures from '../store/gestures';

let root: Root | undefined;
let model: CanvasModel | undefined;

afterEach(() => {
  root?.unmount();
  model?.dispose();
  document.body.replaceChildren();
});

async function draw(): Promise<{ model: CanvasModel; page: HTMLElement }> {
  const file = new YFile();
  file.setSource(WINE);
  file.clearUndoHistory();
  model = new CanvasModel({
    sharedModel: file,
    path: 'dvc.yaml',
    isDirty: false,
    save: async () => undefined,
    asOwn: change => change()
  });
  const page = document.body.appendChild(document.createElement('div'));
  const context = { model } as ICanvasContext;
  root = createRoot(page);
  root.render(
    <CanvasContext.Provider value={context}>
      <Flow
        id="flow"
        view={{ initial: null, keep: () => undefined }}
        hasTree={false}
        onReady={() => undefined}
      />
    </CanvasContext.Provider>
  );
  await vi.waitFor(() => expect(nodeOf(page, 'judge')).not.toBeNull(), 5000);
  return { model, page };
}

function nodeOf(page: HTMLElement, id: string): HTMLElement | null {
  return page.querySelector(`[data-id="${id}"]`);
}

it('keeps the focus on the canvas when the node that has it is removed', async () => {
  const { model, page } = await draw();
  nodeOf(page, 'judge')!.focus();
  expect(document.activeElement).toBe(nodeOf(page, 'judge'));
  model.selection.select(['judge']);
  gestures.removeSelected(model);
  await vi.waitFor(() => expect(nodeOf(page, 'judge')).toBeNull(), 5000);
  expect(document.activeElement).toBe(page.querySelector('.jp-mlws-Canvas'));
});

it('has nodes, ports and edges where the exported image has them', async () => {
  const { model, page } = await draw();
  const { graph, positions } = model.drawing;
  const image = new DOMParser().parseFromString(
    graphSvg({
      graph,
      places: positions,
      routes: model.drawing.routes,
      notes: [],
      frames: [],
      colour: () => 'red',
      subtitle: () => '',
      portName: name => name
    }),
    'image/svg+xml'
  );
  const numbers = (element: Element, ...names: string[]): number[] =>
    names.map(name => Number(element.getAttribute(name)));
  await vi.waitFor(
    () => expect(page.querySelector('.react-flow__edge-path')).not.toBeNull(),
    5000
  );
  const drawn = [...page.querySelectorAll('.react-flow__edge-path')].map(path =>
    path.getAttribute('d')
  );
  const exported = [...image.querySelectorAll('path[fill="none"]')].map(path =>
    path.getAttribute('d')
  );
  expect(drawn.sort()).toEqual(exported.sort());
  expect(drawn).toHaveLength(graph.edges.length);

  const nodes = toNodes(model, []).filter(node => node.type === 'mlws');
  const boxes = nodes.map(({ position: { x, y }, measured }) => [
    x,
    y,
    measured!.width,
    measured!.height
  ]);
  expect(
    [...image.querySelectorAll('rect[rx="6"]')].map(one =>
      numbers(one, 'x', 'y', 'width', 'height')
    )
  ).toEqual(boxes);
  const ports = nodes.flatMap(({ position, handles }) =>
    handles!.map(({ x, y, width, height }) => [
      position.x + x + width! / 2,
      position.y + y + height! / 2
    ])
  );
  expect(
    [...image.querySelectorAll('circle')].map(one => numbers(one, 'cx', 'cy'))
  ).toEqual(ports);
  // The overview draws straight lines between the same ends.
  const ends = edgeEnds(graph, id => positions.get(id)).map(({ from, to }) => [
    from,
    to
  ]);
  for (const [from, to] of ends) {
    const path = `M${from.x},${from.y} `;
    expect(
      drawn.some(d => d!.startsWith(path) && d!.endsWith(`${to.x},${to.y}`))
    ).toBe(true);
  }
});
