/** The clipboard of the canvas. */

import {
  copyNodes,
  cornerOf,
  type IClip,
  pasteNodes
} from '../document/clipboard';
import { sourceId } from '../document/notes';
import type { XYPosition } from '../graph/geometry';
import { removeSelected } from './gestures';
import type { CanvasModel } from './model';

/** The selected nodes for the clipboard; null if there are none. */
export function copy(
  { document, drawing, selection }: CanvasModel,
  cut = false
): IClip | null {
  document.flush();
  const ids = selection.copyable;
  return ids.size > 0 && !document.error
    ? copyNodes(
        document.workflow,
        ids,
        drawing.positions,
        cut,
        drawing.frames.filter((_, index) =>
          selection.ids.has(`frames:${index}`)
        )
      )
    : null;
}

export function cut(model: CanvasModel): IClip | null {
  const clip = copy(model, true);
  if (clip) {
    removeSelected(model);
  }
  return clip;
}

/** Adds the nodes of a clip, from a corner on, and selects them. */
export function paste(
  { document, drawing, selection }: CanvasModel,
  clip: IClip,
  corner: XYPosition
): void {
  const there = new Set(drawing.sources.map(({ path }) => path));
  const existing = (clip.data ?? []).filter(({ path }) => there.has(path));
  const data = (clip.data ?? []).filter(({ path }) => !there.has(path));
  const { ids, edit } = pasteNodes(
    document.workflow,
    { ...clip, data },
    corner
  );
  const isChange = clip.nodes.length + data.length > 0;
  if (!isChange || document.edit(edit)) {
    const added = ids.map(id => drawing.shown(id));
    const data = existing.map(({ path }) => sourceId(path));
    selection.select([...added, ...data]);
  }
}

export function duplicate(model: CanvasModel): void {
  const clip = copy(model);
  if (clip) {
    const nodes = { ...clip, data: [] };
    const [x, y] = cornerOf(nodes);
    paste(model, nodes, { x: x + 40, y: y + 40 });
  }
}
