import type { IGraph, IGraphNode } from './graph';
import {
  HEAD_HEIGHT,
  NODE_WIDTH,
  nodeHeight,
  PORT_HEIGHT,
  type IPlace
} from './sizes';
import type { IFrame, INote } from '../document/notes';

/** What a picture shows. */
export interface IPicture {
  graph: IGraph;
  places: ReadonlyMap<string, IPlace>;
  notes: readonly INote[];
  frames: readonly IFrame[];
  /** The colour of a node's left edge. */
  colour: (node: string) => string;
  /** The second line of a node. */
  subtitle: (node: IGraphNode) => string;
  portName: (name: string) => string;
}

const MARGIN = 24;
const FRAME = { margin: 16, title: 26 };
const NOTE = { width: 180, line: 16, padding: 8, letters: 28 };
const FONT = 'font-family="system-ui, sans-serif"';

/** The graph as an SVG file on white, in the sizes of the canvas. */
export function drawing(picture: IPicture): string {
  const { graph, places, notes, frames } = picture;
  const parts: string[] = [];
  const boxes: IBox[] = [];
  const draw = (box: IBox, svg: string): void => {
    boxes.push(box);
    parts.push(svg);
  };
  for (const frame of frames) {
    const box = frameBox(frame, graph, places);
    if (box) {
      draw(box, frameSvg(frame, box));
    }
  }
  parts.push(...edgesSvg(picture));
  for (const node of graph.nodes.values()) {
    draw(nodeBox(node, places), nodeSvg(picture, node));
  }
  for (const note of notes) {
    const lines = wrap(note.text, NOTE.letters);
    const box = noteBox(note, lines.length);
    draw(box, noteSvg(box, lines));
  }
  const left = Math.min(0, ...boxes.map(box => box.x));
  const all = {
    x: boxes.length > 0 ? Math.min(...boxes.map(box => box.x)) : left,
    y: boxes.length > 0 ? Math.min(...boxes.map(box => box.y)) : 0
  };
  const right = Math.max(...boxes.map(box => box.x + box.width), all.x + 1);
  const bottom = Math.max(...boxes.map(box => box.y + box.height), all.y + 1);
  const width = Math.ceil(right - all.x + 2 * MARGIN);
  const height = Math.ceil(bottom - all.y + 2 * MARGIN);
  const view = [all.x - MARGIN, all.y - MARGIN, width, height].join(' ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${view}">`,
    `<rect x="${all.x - MARGIN}" y="${all.y - MARGIN}" width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    ''
  ].join('\n');
}

interface IBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

function nodeBox(node: IGraphNode, places: ReadonlyMap<string, IPlace>): IBox {
  return {
    ...places.get(node.id)!,
    width: NODE_WIDTH,
    height: nodeHeight(node)
  };
}

function frameBox(
  frame: IFrame,
  graph: IGraph,
  places: ReadonlyMap<string, IPlace>
): IBox | null {
  const members = frame.nodes.flatMap(id => graph.nodes.get(id) ?? []);
  const boxes = members.map(node => nodeBox(node, places));
  if (boxes.length === 0) {
    return null;
  }
  const x = Math.min(...boxes.map(box => box.x)) - FRAME.margin;
  const y = Math.min(...boxes.map(box => box.y)) - FRAME.margin - FRAME.title;
  const right = Math.max(...boxes.map(box => box.x + box.width));
  const bottom = Math.max(...boxes.map(box => box.y + box.height));
  return {
    x,
    y,
    width: right + FRAME.margin - x,
    height: bottom + FRAME.margin - y
  };
}

function noteBox(note: INote, lines: number): IBox {
  return {
    x: note.at[0],
    y: note.at[1],
    width: NOTE.width,
    height: lines * NOTE.line + 2 * NOTE.padding
  };
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

function frameSvg(frame: IFrame, box: IBox): string {
  return (
    rect(box, 'rx="8" fill="#f5f5f5" stroke="#bdbdbd"') +
    text(box.x + 10, box.y + 18, 12, frame.title, 'fill="#616161"')
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

/** Lines of at most so many letters; wide ones (Chinese) count twice. */
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

function portY(row: number): number {
  return HEAD_HEIGHT / 2 + PORT_HEIGHT * row + PORT_HEIGHT / 2 + 2;
}

function edgesSvg({ graph, places }: IPicture): string[] {
  return graph.edges.map(edge => {
    const from = graph.nodes.get(edge.source)!;
    const to = graph.nodes.get(edge.target)!;
    const start = places.get(from.id)!;
    const end = places.get(to.id)!;
    const out = from.outputs.findIndex(one => one.name === edge.sourcePort);
    const into = to.inputs.findIndex(one => one.name === edge.targetPort);
    const x1 = start.x + NODE_WIDTH;
    const y1 = start.y + portY(out);
    const x2 = end.x;
    const y2 = end.y + portY(into);
    const bend = Math.max(30, Math.abs(x2 - x1) / 2);
    return `<path d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}" fill="none" stroke="#9e9e9e" stroke-width="1.5"/>`;
  });
}

function nodeSvg(picture: IPicture, node: IGraphNode): string {
  const box = nodeBox(node, picture.places);
  const { x, y, width, height } = box;
  const ports = (
    side: 'inputs' | 'outputs',
    at: number,
    anchor: string,
    inset: number
  ): string[] =>
    node[side].flatMap((port, row) => [
      `<circle cx="${at}" cy="${y + portY(row)}" r="4" fill="#ffffff" stroke="#616161" stroke-width="2"/>`,
      text(
        at + inset,
        y + portY(row) + 4,
        11,
        shorten(picture.portName(port.name), 14),
        `fill="#616161" text-anchor="${anchor}"`
      )
    ]);
  return [
    rect(box, 'rx="6" fill="#ffffff" stroke="#9e9e9e"'),
    `<path d="M${x + 4} ${y}h-1a4 4 0 0 0 -4 4v${height - 8}a4 4 0 0 0 4 4h1z" fill="${escape(picture.colour(node.id))}"/>`,
    text(
      x + 12,
      y + 20,
      13,
      shorten(node.title, 20),
      'font-weight="600" fill="#212121"'
    ),
    ...ports('inputs', x, 'start', 10),
    ...ports('outputs', x + width, 'end', -10),
    text(
      x + 12,
      y + height - 9,
      11,
      shorten(picture.subtitle(node), 24),
      'fill="#616161"'
    )
  ].join('');
}
