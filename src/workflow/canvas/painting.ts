import { type IEdgeEnds, NODE_WIDTH, type XYPosition } from '../graph/geometry';
import { cutTitle } from '../graph/titles';

/** Painted node: its corner, height, texts and colors. */
export interface IPictureNode extends XYPosition {
  height: number;
  title: string;
  /** Length of the prefix that the title shares with another title. */
  shared: number;
  /** Color of its mark; null without a run or plan. */
  state: string | null;
  isSelected: boolean;
  isFaulty: boolean;
}

/** Colors of the theme. */
export interface IColours {
  ground: string;
  border: string;
  text: string;
  edge: string;
  brand: string;
  error: string;
}

/** Viewport of the canvas: its corner in pixels of the window, and the zoom. */
interface IView {
  x: number;
  y: number;
  zoom: number;
  width: number;
  height: number;
}

/** The size of titles in the window, in pixels. */
const TITLE_SIZE = 12;
/** Shortest length to which a title is cut. */
const MIN_LETTERS = 7;
/** Width of a title, and of a letter in multiples of the type's size. */
const TITLE_WIDTH = NODE_WIDTH - 20;
const LETTER_WIDTH = 0.55;

/** Returns true if titles are readable at a zoom, possibly cut. */
export function hasTitles(zoom: number): boolean {
  return lettersAt(zoom) >= MIN_LETTERS;
}

function lettersAt(zoom: number): number {
  return Math.floor((TITLE_WIDTH * zoom) / (TITLE_SIZE * LETTER_WIDTH));
}

/** Paints the visible part of a graph, edges below nodes. */
export function paint(
  context: CanvasRenderingContext2D,
  nodes: readonly IPictureNode[],
  edges: readonly IEdgeEnds[],
  view: IView,
  colours: IColours
): void {
  const { x, y, zoom } = view;
  const [left, top] = [-x / zoom, -y / zoom];
  const [right, bottom] = [left + view.width / zoom, top + view.height / zoom];
  context.clearRect(0, 0, view.width, view.height);
  context.save();
  context.translate(x, y);
  context.scale(zoom, zoom);
  paintEdges(
    context,
    edges.filter(
      ({ from, to }) =>
        Math.max(from.x, to.x) > left &&
        Math.min(from.x, to.x) < right &&
        Math.max(from.y, to.y) > top &&
        Math.min(from.y, to.y) < bottom
    ),
    colours.edge,
    1 / zoom
  );
  const visible = nodes.filter(
    node =>
      node.x + NODE_WIDTH > left &&
      node.x < right &&
      node.y + node.height > top &&
      node.y < bottom
  );
  paintBoxes(context, visible, colours, zoom);
  paintTitles(context, visible, colours.text, zoom);
  context.restore();
}

/** All edges are one path; without a GPU a stroke for each edge would cost as much as the whole. */
function paintEdges(
  context: CanvasRenderingContext2D,
  edges: readonly IEdgeEnds[],
  colour: string,
  width: number
): void {
  context.beginPath();
  for (const { from, to } of edges) {
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
  }
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

function paintBoxes(
  context: CanvasRenderingContext2D,
  nodes: readonly IPictureNode[],
  colours: IColours,
  zoom: number
): void {
  const line = Math.max(1, 1 / zoom);
  for (const { x, y, height, state, ...node } of nodes) {
    context.fillStyle = node.isSelected
      ? colours.brand
      : node.isFaulty
        ? colours.error
        : colours.border;
    const rim = node.isSelected || node.isFaulty ? 2 * line : line;
    context.fillRect(x - rim, y - rim, NODE_WIDTH + 2 * rim, height + 2 * rim);
    context.fillStyle = colours.ground;
    context.fillRect(x, y, NODE_WIDTH, height);
    if (state) {
      // At low zoom a left edge of four pixels is invisible: the color fills the node.
      context.globalAlpha = 0.45;
      context.fillStyle = state;
      context.fillRect(x, y, NODE_WIDTH, height);
      context.globalAlpha = 1;
    }
  }
}

function paintTitles(
  context: CanvasRenderingContext2D,
  nodes: readonly IPictureNode[],
  colour: string,
  zoom: number
): void {
  const size = TITLE_SIZE / zoom;
  const letters = lettersAt(zoom);
  context.fillStyle = colour;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  for (const { x, y, height, title, shared } of nodes) {
    const label = cutTitle(title, shared, letters);
    if (label !== title && !hasTitles(zoom)) {
      continue;
    }
    context.fillText(label, x + 10, y + height / 2, TITLE_WIDTH);
  }
}
