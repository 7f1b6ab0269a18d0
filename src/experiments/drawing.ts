/** Drawing on canvases. */

/** Color of a run without a value of the metric that colors the others. */
export const PLAIN_COLOUR = '#3f83f8';

/** From blue at 0 to orange at 1. */
export function gradient(place: number): string {
  const mix = (from: number, to: number) =>
    Math.round(from + (to - from) * place);
  return `rgb(${mix(45, 240)}, ${mix(110, 138)}, ${mix(245, 30)})`;
}

/** The beginning of a text that fits. */
export function fit(
  context: CanvasRenderingContext2D,
  text: string,
  width: number
): string {
  let part = text;
  while (part.length > 1 && context.measureText(part).width > width) {
    part = `${part.slice(0, -2)}…`;
  }
  return part;
}
