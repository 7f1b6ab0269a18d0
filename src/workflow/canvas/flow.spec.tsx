import { YFile } from '@jupyter/ydoc';
import { nullTranslator } from '@jupyterlab/translation';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, expect, it, vi } from 'vitest';

import { Flow } from './flow';
import { CanvasContext, type ICanvasContext } from '../store/hooks';
import { removeSelected } from '../store/gestures';
import { CanvasModel } from '../store/model';
import { WINE } from '../document/samples';
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
  const trans = nullTranslator.load('jupyter_mlws');
  const context = { model, trans, language: 'en' } as ICanvasContext;
  root = createRoot(page);
  root.render(
    <CanvasContext.Provider value={context}>
      <Flow
        id="flow"
        viewport={{ initial: null, keep: () => undefined }}
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
