/** Span of a log with a single style. */
export interface IAnsiSpan {
  text: string;
  /** Class names without prefix: "bold", "red", "bright-red" … */
  styles: readonly string[];
}

const COLORS = [
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
const NO_STYLES: readonly string[] = [];
/** Longer stretches are cut, so that a view redraws only the last. */
const MAX_SPAN_LENGTH = 10_000;

/** Growing log, split by its colors. Each line is parsed once, when it is complete. */
export class AnsiLog {
  /** `_maxLength`: maximum length; older text is dropped. */
  constructor(private _maxLength = Infinity) {}

  /** The spans, without text overwritten after a carriage return. */
  get spans(): readonly IAnsiSpan[] {
    return [...this._spans, ...parseLine(this._line, this._styles).spans];
  }

  append(text: string): void {
    const lines = (this._line + text).split('\n');
    this._line = lines.pop()!;
    for (const line of lines) {
      const { spans, styles } = parseLine(`${line}\n`, this._styles);
      this._styles = styles;
      spans.forEach(span => this._add(span));
    }
    while (this._length > this._maxLength) {
      this._length -= this._spans.shift()!.text.length;
    }
  }

  private _add({ text, styles }: IAnsiSpan): void {
    const last = this._spans[this._spans.length - 1];
    this._length += text.length;
    if (
      last?.styles.join() === styles.join() &&
      last.text.length < MAX_SPAN_LENGTH
    ) {
      this._spans.pop();
      this._spans.push({ text: last.text + text, styles });
    } else {
      this._spans.push({ text, styles });
    }
  }

  private _spans: IAnsiSpan[] = [];
  private _length = 0;
  private _styles = NO_STYLES;
  /** The last line, which may go on. */
  private _line = '';
}

/** Splits a text by its colors; for a growing log, use `AnsiLog`. */
export function parseAnsi(text: string): readonly IAnsiSpan[] {
  const log = new AnsiLog();
  log.append(text);
  return log.spans;
}

function parseLine(
  written: string,
  before: readonly string[]
): { spans: IAnsiSpan[]; styles: readonly string[] } {
  const line = written.replace(/\r+\n$/, '\n').replace(/^[^\n]*\r(?!\n)/, '');
  const spans: IAnsiSpan[] = [];
  let styles = before;
  let at = 0;
  const add = (end: number): void => {
    if (end > at) {
      spans.push({ text: line.slice(at, end), styles });
    }
  };
  for (const match of line.matchAll(ESCAPE)) {
    add(match.index!);
    at = match.index! + match[0].length;
    if (match[2] === 'm') {
      styles = restyle(styles, match[1]);
    }
  }
  add(line.length);
  return { spans, styles };
}

function restyle(before: readonly string[], codes: string): readonly string[] {
  let styles = before;
  const colour = (next: string | null): string[] => [
    ...styles.filter(one => one === 'bold'),
    ...(next ? [next] : [])
  ];
  for (const code of (codes || '0').split(';').map(Number)) {
    if (code === 0) {
      styles = NO_STYLES;
    } else if (code === 1) {
      styles = ['bold', ...styles.filter(one => one !== 'bold')];
    } else if (code === 22) {
      styles = styles.filter(one => one !== 'bold');
    } else if (code >= 30 && code <= 37) {
      styles = colour(COLORS[code - 30]);
    } else if (code >= 90 && code <= 97) {
      styles = colour(`bright-${COLORS[code - 90]}`);
    } else if (code === 39) {
      styles = colour(null);
    } else if (code === 38 || code === 48) {
      // 256 colors and true colors are not supported.
      break;
    }
  }
  return styles;
}
