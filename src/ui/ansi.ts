/** A stretch of a log in one style. */
export interface IAnsiSpan {
  text: string;
  /** Class names without prefix: "bold", "red", "bright-red" … */
  styles: string[];
}

const COLOURS = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white'
];
// CSI sequences (of which "m" sets the style), OSC sequences such as links, and lone escapes.
const ESCAPE =
  /\u001b(?:\[([0-9;?]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g;

/** Splits a log by its colours; what a carriage return overwrote is left out. */
export function parseAnsi(log: string): IAnsiSpan[] {
  const text = log.replace(/\r+\n/g, '\n').replace(/^[^\n]*\r(?!\n)/gm, '');
  const spans: IAnsiSpan[] = [];
  let styles: string[] = [];
  let at = 0;
  for (const match of text.matchAll(ESCAPE)) {
    add(spans, text.slice(at, match.index), styles);
    at = match.index! + match[0].length;
    if (match[2] === 'm') {
      styles = restyle(styles, match[1]);
    }
  }
  add(spans, text.slice(at), styles);
  return spans;
}

function add(spans: IAnsiSpan[], text: string, styles: string[]): void {
  if (text !== '') {
    spans.push({ text, styles });
  }
}

function restyle(before: string[], codes: string): string[] {
  let styles = before;
  const colour = (next: string | null): string[] => [
    ...styles.filter(one => one === 'bold'),
    ...(next ? [next] : [])
  ];
  for (const code of (codes || '0').split(';').map(Number)) {
    if (code === 0) {
      styles = [];
    } else if (code === 1) {
      styles = ['bold', ...styles.filter(one => one !== 'bold')];
    } else if (code === 22) {
      styles = styles.filter(one => one !== 'bold');
    } else if (code >= 30 && code <= 37) {
      styles = colour(COLOURS[code - 30]);
    } else if (code >= 90 && code <= 97) {
      styles = colour(`bright-${COLOURS[code - 90]}`);
    } else if (code === 39) {
      styles = colour(null);
    } else if (code === 38 || code === 48) {
      // 256 colours and true colours are shown plain.
      break;
    }
  }
  return styles;
}
