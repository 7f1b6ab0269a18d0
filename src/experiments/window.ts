/** Height of a row in pixels; all are equally high. */
export const ROW_HEIGHT = 28;
/** Rows that are drawn beyond what is in view, on both sides. */
const BEYOND = 12;

/** Which rows are drawn, from `start` to before `end`. */
interface IWindow {
  start: number;
  end: number;
}

/** The rows to be drawn of `count`, at a scroll position and a height in pixels. */
export function windowOf(
  count: number,
  scrollTop: number,
  height: number
): IWindow {
  const first = Math.floor(Math.max(scrollTop, 0) / ROW_HEIGHT);
  const visible = Math.ceil(Math.max(height, 0) / ROW_HEIGHT);
  const start = Math.max(0, Math.min(first - BEYOND, count - visible - BEYOND));
  return {
    start,
    end: Math.min(count, first + visible + BEYOND)
  };
}
