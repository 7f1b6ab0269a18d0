import type { IFrame, INote } from '../document/notes';
import {
  boundsOf,
  edgeEnds,
  edgePath,
  frameBox,
  type IBox,
  nodeBox,
  portPosition,
  type XYPosition
} from './geometry';
import type { IGraph, IGraphNode } from './graph';

/** Content of a picture. */
interface IPicture {
  graph: IGraph;
  places: ReadonlyMap<string, XYPosition>;
  /** The corners of edges that go around nodes. */
  routes?: ReadonlyMap<string, readonly XYPosition[]>;
  notes: readonly INote[];
  frames: readonly IFrame[];
  /** Color of a node's left edge. */
  colour: (node: string) => string;
  /** The second line of a node. */
  subtitle: (node: IGraphNode) => string;
  portName: (name: string) => string;
}

const MARGIN = 24;
const NOTE = { width: 180, line: 16, padding: 8, letters: 28 };
const FONT = 'font-family="system-ui, sans-serif"';

/** The graph as an SVG file on white, in the sizes of the canvas. */
export function graphSvg(picture: IPicture): string {
  const { graph, places, routes, notes, frames } = picture;
  const parts: string[] = [];
  const boxes: IBox[] = [];
  const draw = (box: IBox, svg: string): void => {
    boxes.push(box);
    parts.push(svg);
  };
  const boxOf = (node: IGraphNode): IBox => nodeBox(node, places.get(node.id)!);
  for (const { title, nodes } of frames) {
    const box = frameBox(
      nodes.flatMap(id => graph.nodes.get(id) ?? []).map(boxOf)
    );
    if (box) {
      draw(box, frameSvg(title, box));
    }
  }
  for (const ends of edgeEnds(graph, id => places.get(id))) {
    parts.push(
      `<path d="${edgePath(ends, routes?.get(ends.id))}" fill="none" stroke="#9e9e9e" stroke-width="1.5"/>`
    );
  }
  for (const node of graph.nodes.values()) {
    const box = boxOf(node);
    draw(box, nodeSvg(picture, node, box));
  }
  for (const note of notes) {
    const lines = wrap(note.text, NOTE.letters);
    const box = {
      x: note.at[0],
      y: note.at[1],
      width: NOTE.width,
      height: lines.length * NOTE.line + 2 * NOTE.padding
    };
    draw(box, noteSvg(box, lines));
  }
  const bounds = boundsOf(boxes) ?? { x: 0, y: 0, width: 1, height: 1 };
  const paper = {
    x: bounds.x - MARGIN,
    y: bounds.y - MARGIN,
    width: Math.ceil(bounds.width + 2 * MARGIN),
    height: Math.ceil(bounds.height + 2 * MARGIN)
  };
  const { x, y, width, height } = paper;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${x} ${y} ${width} ${height}">`,
    rect(paper, 'fill="#ffffff"'),
    ...parts,
    '</svg>',
    ''
  ].join('\n');
}

function escape(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;'
  };
  return text
    .replace(/[&<>"]/g, character => names[character])
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');
}

function text(
  x: number,
  y: number,
  size: number,
  words: string,
  more = ''
): string {
  return `<text x="${x}" y="${y}" font-size="${size}" ${FONT} ${more}>${escape(words)}</text>`;
}

function rect(box: IBox, more: string): string {
  const { x, y, width, height } = box;
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${more}/>`;
}

function frameSvg(title: string, box: IBox): string {
  return (
    rect(box, 'rx="8" fill="#f5f5f5" stroke="#bdbdbd"') +
    text(box.x + 10, box.y + 18, 12, title, 'fill="#616161"')
  );
}

function noteSvg(box: IBox, lines: string[]): string {
  return (
    rect(box, 'rx="3" fill="#fff9c4" stroke="#e0d890"') +
    lines
      .map((line, index) =>
        text(
          box.x + NOTE.padding,
          box.y + NOTE.padding + 12 + index * NOTE.line,
          12,
          line,
          'fill="#424242"'
        )
      )
      .join('')
  );
}

/** Wraps text to lines of a maximum length; wide characters (Chinese) count twice. */
export function wrap(words: string, letters: number): string[] {
  return words.split(/\r?\n/).flatMap(paragraph => {
    const lines: string[] = [];
    let line = '';
    let length = 0;
    for (const part of paragraph.match(
      /\s*[^\s\u2e80-\uffff]+|\s*[\u2e80-\uffff]|\s+/g
    ) ?? ['']) {
      const size = [...part].reduce(
        (sum, one) => sum + (one > '\u2e7f' ? 2 : 1),
        0
      );
      if (length + size > letters && line !== '') {
        lines.push(line);
        line = part.trimStart();
        length = size;
      } else {
        line += part;
        length += size;
      }
    }
    return [...lines, line];
  });
}

function shorten(words: string, letters: number): string {
  return words.length > letters ? `${words.slice(0, letters - 1)}…` : words;
}

function nodeSvg(picture: IPicture, node: IGraphNode, box: IBox): string {
  const { x, y, width, height } = box;
  const ports = (side: 'in' | 'out'): string[] =>
    (side === 'in' ? node.inputs : node.outputs).flatMap(({ name }, row) => {
      const port = portPosition(side, row);
      return [
        `<circle cx="${x + port.x}" cy="${y + port.y}" r="4.5" fill="#ffffff" stroke="#616161" stroke-width="2"/>`,
        text(
          side === 'in' ? x + 10 : x + width - 10,
          y + port.y + 4,
          11,
          shorten(picture.portName(name), 14),
          `fill="#616161" text-anchor="${side === 'in' ? 'start' : 'end'}"`
        )
      ];
    });
  return [
    rect(box, 'rx="6" fill="#ffffff" stroke="#9e9e9e"'),
    `<path d="M${x + 4} ${y}h-1a4 4 0 0 0 -4 4v${height - 8}a4 4 0 0 0 4 4h1z" fill="${escape(picture.colour(node.id))}"/>`,
    text(
      x + 12,
      y + 24,
      13,
      shorten(node.title, 26),
      'font-weight="600" fill="#212121"'
    ),
    ...ports('in'),
    ...ports('out'),
    text(
      x + 12,
      y + 50,
      11,
      shorten(picture.subtitle(node), 32),
      'fill="#616161"'
    )
  ].join('');
}
