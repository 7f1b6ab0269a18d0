import { type IEdgeEnds, NODE_WIDTH, type XYPosition } from '../graph/geometry';
import { cutTitle } from '../graph/titles';

/** A node as it is painted: its corner and height, its words and its colours. */
export interface IPictureNode extends XYPosition {
  height: number;
  title: string;
  /** How many letters its title shares at the beginning with another one. */
  shared: number;
  /** Of its mark; null where neither a run nor a plan says anything of it. */
  state: string | null;
  isSelected: boolean;
  isFaulty: boolean;
}

/** The theme's colours that a picture needs. */
export interface IColours {
  ground: string;
  border: string;
  text: string;
  edge: string;
  brand: string;
  error: string;
}

/** What of the canvas is seen: its corner in the window's pixels, and how large it is drawn. */
interface IView {
  x: number;
  y: number;
  zoom: number;
  width: number;
  height: number;
}

/** The size of titles in the window, in pixels. */
const TITLE_SIZE = 12;
/** A title that is cut to fewer letters tells nothing. */
const MIN_LETTERS = 7;
/** The room for a title on a node, and the width of a letter in multiples of the type's size. */
const TITLE_WIDTH = NODE_WIDTH - 20;
const LETTER_WIDTH = 0.55;

/** Returns true if titles can be read at a zoom, also where they are cut. */
export function hasTitles(zoom: number): boolean {
  return lettersAt(zoom) >= MIN_LETTERS;
}

function lettersAt(zoom: number): number {
  return Math.floor((TITLE_WIDTH * zoom) / (TITLE_SIZE * LETTER_WIDTH));
}

/** Paints what is seen of a graph, edges below nodes. */
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

/** All edges are one path; without a GPU each stroke of its own would cost as much as all. */
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
      // From afar an edge of four pixels is not seen: the whole node has the colour.
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
