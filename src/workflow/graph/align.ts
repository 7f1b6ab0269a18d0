import type { IBox, XYPosition } from './geometry';

export type Alignment = 'left' | 'top' | 'horizontal' | 'vertical';

/** Positions of boxes after alignment, or with equal gaps between the outermost two. */
export function aligned(
  boxes: readonly (IBox & { id: string })[],
  how: Alignment
): Map<string, XYPosition> {
  const places = new Map(boxes.map(({ id, x, y }) => [id, { x, y }]));
  if (how === 'left' || how === 'top') {
    const axis = how === 'left' ? 'x' : 'y';
    const line = Math.min(...boxes.map(box => box[axis]));
    places.forEach(place => {
      place[axis] = line;
    });
    return places;
  }
  const [axis, size] =
    how === 'horizontal'
      ? (['x', 'width'] as const)
      : (['y', 'height'] as const);
  const sorted = [...boxes].sort((one, other) => one[axis] - other[axis]);
  const first = sorted[0];
  const last = sorted[sorted.length - 1];
  const total = sorted.reduce((sum, box) => sum + box[size], 0);
  const gap =
    (last[axis] + last[size] - first[axis] - total) /
    Math.max(1, sorted.length - 1);
  let at = first[axis];
  for (const box of sorted) {
    places.get(box.id)![axis] = Math.round(at);
    at += box[size] + gap;
  }
  return places;
}
