import { NODE_WIDTH, type XYPosition } from './geometry';

/** Nodes of a column, from top to bottom. */
export type IColumn = { id: string; y: number; height: number }[];

/** The ends of an edge. */
interface IPair {
  source: string;
  target: string;
}

/** The room for a graph, in pixels of the window. */
export interface IShape {
  width: number;
  height: number;
}

export const COLUMN_GAP = 56;
export const NODE_GAP = 40;
const BAND_GAP = 64;
/** A graph is not wrapped further unless it becomes so much larger. */
const MIN_GAIN = 1.12;
const MAX_BANDS = 24;
const MAX_SPLITS = 24;
/** Number of nodes that stay in a column, which shows that they are parallel. */
const MAX_UNSPLIT = 6;
/** Zoom from which titles are readable: ten letters of the smallest type beside the icon. */
const READABLE_ZOOM = 0.5;
/** Of the width, for the wires at the left and at the right. */
const SIDE_WIDTH = 84;

/**
 * Wraps columns into rows so that titles are readable when the graph fits a shape.
 *
 * Uses the fewest rows for that, since edges run back between rows. If no number of rows is enough,
 * uses the one with the largest zoom. A column that is too high is split into several.
 */
export function wrapColumns(
  columns: readonly IColumn[],
  shape: IShape | null,
  edges: readonly IPair[] = []
): Map<string, XYPosition> {
  let best = { columns, bands: 1, zoom: zoomOf(columns, 1, shape) };
  for (let bands = 1; shape && bands <= MAX_BANDS; bands += 1) {
    for (let parts = 1; parts <= MAX_SPLITS; parts += 1) {
      const split = parts === 1 ? columns : splitColumns(columns, parts);
      const zoom = zoomOf(split, bands, shape);
      if (bands <= split.length && zoom > best.zoom * MIN_GAIN) {
        best = { columns: split, bands, zoom };
      }
    }
    if (best.zoom >= READABLE_ZOOM) {
      break;
    }
  }
  const places = new Map<string, XYPosition>();
  let top = 0;
  const most = Math.max(
    Math.ceil(best.columns.length / best.bands),
    shape ? columnsIn(shape, READABLE_ZOOM) : 0
  );
  for (const cut of cutColumns(best.columns, best.bands, most, edges)) {
    const band = best.bands > 1 ? compact(cut) : cut;
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

/** Number of columns that fit into a row at a zoom. */
function columnsIn({ width }: IShape, zoom: number): number {
  return Math.floor(
    ((width - SIDE_WIDTH) / zoom + COLUMN_GAP) / (NODE_WIDTH + COLUMN_GAP)
  );
}

/** Cuts columns into bands where the fewest edges cross. */
function cutColumns(
  columns: readonly IColumn[],
  count: number,
  most: number,
  edges: readonly IPair[]
): IColumn[][] {
  if (count === 1) {
    return [[...columns]];
  }
  const places = new Map(
    columns.flatMap((column, index) => column.map(({ id }) => [id, index]))
  );
  /** The edges that pass the left side of each column. */
  const passing = new Array<number>(columns.length + 1).fill(0);
  for (const { source, target } of edges) {
    const [from, to] = [places.get(source)!, places.get(target)!];
    for (let index = from + 1; index <= to; index += 1) {
      passing[index] += 1;
    }
  }
  // Of cuts through equally few edges, prefers bands of similar length.
  const evenly = 1 / (columns.length * columns.length + 1);
  let ends: (ICut | null)[] = columns.map(() => null);
  ends = [{ start: 0, cost: 0, before: null }, ...ends];
  for (let band = 0; band < count; band += 1) {
    const next: typeof ends = ends.map(() => null);
    for (let end = 1; end <= columns.length; end += 1) {
      for (let start = Math.max(0, end - most); start < end; start += 1) {
        const before = ends[start];
        const size = end - start;
        const cost =
          (before?.cost ?? Infinity) +
          (start > 0 ? passing[start] : 0) +
          size * size * evenly;
        if (before && cost < (next[end]?.cost ?? Infinity)) {
          next[end] = { start, cost, before };
        }
      }
    }
    ends = next;
  }
  const bands: IColumn[][] = [];
  let end = columns.length;
  for (let cut = ends[end]; cut?.before; cut = cut.before) {
    bands.unshift(columns.slice(cut.start, end));
    end = cut.start;
  }
  return bands;
}

/** Cheapest way to make a number of cuts: the start of the last band, and the cuts before it. */
interface ICut {
  start: number;
  cost: number;
  before: ICut | null;
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

/** The columns of a row, moved up or down so that the row is as high as its highest column. */
function compact(band: readonly IColumn[]): IColumn[] {
  const extents = band.map(column => extentOf([column]));
  const highest = Math.max(...extents.map(([top, bottom]) => bottom - top));
  const [least, most] = extents.find(
    ([top, bottom]) => bottom - top === highest
  )!;
  return band.map((column, index) => {
    const [top, bottom] = extents[index];
    const by = Math.max(least - top, 0) || Math.min(most - bottom, 0);
    return column.map(one => ({ ...one, y: one.y + by }));
  });
}

/** Zoom of columns in a number of rows; at most 1. */
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
    .map(band => extentOf(count > 1 ? compact(band) : band))
    .reduce((sum, [top, bottom]) => sum + bottom - top + BAND_GAP, -BAND_GAP);
  return Math.min(1, (shape.width - SIDE_WIDTH) / width, shape.height / height);
}

/** Splits columns that are higher than a fraction of the highest. */
function splitColumns(columns: readonly IColumn[], parts: number): IColumn[] {
  const heightOf = (column: IColumn): number =>
    column.reduce((sum, { height }) => sum + height + NODE_GAP, 0);
  const most = Math.max(...columns.map(heightOf)) / parts;
  return columns.flatMap(column => {
    const count =
      column.length > MAX_UNSPLIT ? Math.ceil(heightOf(column) / most) : 1;
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
