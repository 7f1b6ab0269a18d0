import { NODE_WIDTH, type XYPosition } from './geometry';

/** Nodes above each other, from top to bottom. */
export type IColumn = { id: string; y: number; height: number }[];

/** The room for a graph, in pixels of the window. */
export interface IShape {
  width: number;
  height: number;
}

export const COLUMN_GAP = 56;
export const NODE_GAP = 40;
const BAND_GAP = 64;
/** A graph is not wrapped further unless it becomes so much larger. */
const WORTH = 1.12;
const MOST_BANDS = 24;
const MOST_SPLITS = 24;
/** So many nodes stay above each other: that they are parallel is seen. */
const FEW_NODES = 6;

/**
 * Places columns from left to right so that the whole is as large as possible in a shape.
 *
 * A long chain continues in a second row, as text does; a column that is too high becomes several
 * beside each other.
 */
export function wrapColumns(
  columns: readonly IColumn[],
  shape: IShape | null
): Map<string, XYPosition> {
  let best = { columns, bands: 1, zoom: zoomOf(columns, 1, shape) };
  if (shape) {
    for (let parts = 1; parts <= MOST_SPLITS; parts += 1) {
      const split = parts === 1 ? columns : splitColumns(columns, parts);
      for (let bands = 1; bands <= MOST_BANDS; bands += 1) {
        const zoom = zoomOf(split, bands, shape);
        if (bands <= split.length && zoom > best.zoom * WORTH) {
          best = { columns: split, bands, zoom };
        }
      }
    }
  }
  const places = new Map<string, XYPosition>();
  let top = 0;
  for (const band of bandsOf(best.columns, best.bands)) {
    const [first, last] = extentOf(band);
    band.forEach((column, index) => {
      for (const { id, y } of column) {
        const x = index * (NODE_WIDTH + COLUMN_GAP);
        places.set(id, { x, y: Math.round(top + y - first) });
      }
    });
    top += last - first + BAND_GAP;
  }
  return places;
}

function bandsOf(columns: readonly IColumn[], count: number): IColumn[][] {
  const size = Math.ceil(columns.length / count);
  const bands: IColumn[][] = [];
  for (let start = 0; start < columns.length; start += size) {
    bands.push(columns.slice(start, start + size));
  }
  return bands;
}

/** The upper and the lower end of columns. */
function extentOf(columns: readonly IColumn[]): [number, number] {
  let [top, bottom] = [Infinity, -Infinity];
  for (const column of columns) {
    for (const { y, height } of column) {
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + height);
    }
  }
  return [top, bottom];
}

/** How large columns in so many rows can be drawn; at most in their own size. */
function zoomOf(
  columns: readonly IColumn[],
  count: number,
  shape: IShape | null
): number {
  if (!shape || columns.length === 0) {
    return 1;
  }
  const bands = bandsOf(columns, count);
  const width = bands[0].length * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP;
  const height = bands
    .map(extentOf)
    .reduce((sum, [top, bottom]) => sum + bottom - top + BAND_GAP, -BAND_GAP);
  return Math.min(1, shape.width / width, shape.height / height);
}

/** Columns that are higher than a part of the highest, as several lower ones. */
function splitColumns(columns: readonly IColumn[], parts: number): IColumn[] {
  const heightOf = (column: IColumn): number =>
    column.reduce((sum, { height }) => sum + height + NODE_GAP, 0);
  const most = Math.max(...columns.map(heightOf)) / parts;
  return columns.flatMap(column => {
    const count =
      column.length > FEW_NODES ? Math.ceil(heightOf(column) / most) : 1;
    const size = Math.ceil(column.length / count);
    return count === 1
      ? [column]
      : Array.from({ length: Math.ceil(column.length / size) }, (_, part) =>
          stack(column.slice(part * size, (part + 1) * size))
        );
  });
}

/** A column around the middle, its nodes in their order. */
export function stack(column: readonly Omit<IColumn[0], 'y'>[]): IColumn {
  const total = column.reduce((sum, { height }) => sum + height + NODE_GAP, 0);
  let y = Math.round(-total / 2);
  return column.map(({ id, height }) => {
    const top = y;
    y += height + NODE_GAP;
    return { id, y: top, height };
  });
}
