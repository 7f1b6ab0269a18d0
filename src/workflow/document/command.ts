/** The command line of a stage, read as a POSIX shell would split it. */

export interface IWord {
  start: number;
  end: number;
  /** Without quotes and escapes. */
  text: string;
}

/** `--name value …` */
interface IArgument {
  name: string;
  flag: IWord;
  values: IWord[];
}

/**
 * `jupyter mlws node NAME --PORT path … ${settings}`, or the same of a notebook; also after a
 * launcher.
 */
export interface IComponentCommand {
  text: string;
  /** The component's name; null for a notebook. */
  component: string | null;
  /** The notebook as written; null for a component. */
  notebook: string | null;
  /** End of the last word. */
  end: number;
  words: IWord[];
  args: IArgument[];
  /** Words `${name}` that unpack a dictionary of settings. */
  unpacks: { name: string; word: IWord }[];
}

/** Programs whose `run` starts another one in an environment. */
const LAUNCHERS = new Set(['uv', 'pixi', 'conda', 'mamba', 'micromamba']);

/** Options of launchers with a value. As in engine/mlws/environments/programs.py. */
const VALUED_OPTIONS = new Set(
  (
    '--cwd --default-index --directory --env-file --environment --extra --group --index ' +
    '--manifest-path --name --only-group --package --prefix --project --python --with ' +
    '--with-editable --with-requirements -e -n -p'
  ).split(' ')
);

const SPACE = /^(?:[ \t\r\n]|\\\r?\n)+/;
const UNPACK = /^\$\{\s*([^\s${}]+)\s*\}$/;

/** How many words come before the program in `uv run --project envs/a python …`. */
function launcherLength(words: readonly string[]): number {
  if (words.length < 2 || !LAUNCHERS.has(words[0]) || words[1] !== 'run') {
    return 0;
  }
  let at = 2;
  while (words[at]?.startsWith('-') && words[at] !== '-m') {
    if (words[at] === '--') {
      return at + 1;
    }
    at += VALUED_OPTIONS.has(words[at]) ? 2 : 1;
  }
  return Math.min(at, words.length);
}

/** The words of a launcher in front of a command, which may be more than words; empty without one. */
export function launcherOf(command: string): IWord[] {
  const words: IWord[] = [];
  let at = SPACE.exec(command)?.[0].length ?? 0;
  // Enough for any launcher: what is behind it may be long, or not only words.
  while (at < command.length && words.length < 40) {
    const word = readWord(command, at);
    if (word === null) {
      break;
    }
    words.push(word);
    at = word.end;
    at += SPACE.exec(command.slice(at))?.[0].length ?? 0;
    if (!LAUNCHERS.has(words[0].text)) {
      return [];
    }
  }
  return words.slice(0, launcherLength(words.map(word => word.text)));
}

export function withoutLauncher(command: string): string {
  const end = launcherOf(command).pop()?.end;
  return end === undefined ? command : command.slice(end).trimStart();
}

/** Null if the command is more than words: pipes, lists, redirections, open quotes. */
export function splitWords(source: string): IWord[] | null {
  const words: IWord[] = [];
  let at = 0;
  for (;;) {
    at += SPACE.exec(source.slice(at, at + 4096))?.[0].length ?? 0;
    if (at >= source.length) {
      return words;
    }
    if (SPACE.test(source.slice(at, at + 3))) {
      continue;
    }
    const word = readWord(source, at);
    if (word === null) {
      return null;
    }
    words.push(word);
    at = word.end;
  }
}

function readWord(source: string, start: number): IWord | null {
  let text = '';
  let at = start;
  while (at < source.length && !SPACE.test(source.slice(at, at + 3))) {
    const character = source[at];
    if (character === "'" || character === '"') {
      const quoted = readQuoted(source, at);
      if (quoted === null) {
        return null;
      }
      text += quoted.text;
      at = quoted.end;
    } else if (character === '$' && source[at + 1] === '{') {
      const close = source.indexOf('}', at);
      if (close < 0) {
        return null;
      }
      text += source.slice(at, close + 1);
      at = close + 1;
    } else if (character === '\\' && at + 1 < source.length) {
      text += source[at + 1];
      at += 2;
    } else if ('|&;<>()`'.includes(character)) {
      return null;
    } else {
      text += character;
      at += 1;
    }
  }
  return { start, end: at, text };
}

function readQuoted(
  source: string,
  start: number
): { text: string; end: number } | null {
  const quote = source[start];
  let text = '';
  let at = start + 1;
  while (at < source.length && source[at] !== quote) {
    if (
      quote === '"' &&
      source[at] === '\\' &&
      '"\\$`'.includes(source[at + 1])
    ) {
      at += 1;
    }
    text += source[at];
    at += 1;
  }
  return at < source.length ? { text, end: at + 1 } : null;
}

/**
 * Parses the command of a component's or a notebook's node; null for other commands.
 *
 * `isDictionary`: whether the value of a template's name unpacks to arguments.
 */
export function parseCommand(
  source: string,
  isDictionary: (name: string) => boolean | null = () => null
): IComponentCommand | null {
  if (!source.includes('mlws')) {
    return null;
  }
  const words = splitWords(source);
  const head = words?.map(word => word.text) ?? [];
  let at = launcherLength(head);
  const isProgram = head[at] === 'jupyter-mlws';
  at += isProgram ? 1 : 2;
  const isOurs =
    isProgram || (head[at - 2] === 'jupyter' && head[at - 1] === 'mlws');
  const isComponent = head[at] === 'node';
  const isNode = isComponent || head[at] === 'notebook';
  if (!words || !isOurs || !isNode || at + 1 >= words.length) {
    return null;
  }
  at += 1;
  const command: IComponentCommand = {
    text: source,
    component: isComponent ? head[at] : null,
    notebook: isComponent ? null : head[at],
    end: words[words.length - 1].end,
    words,
    args: [],
    unpacks: []
  };
  for (const word of words.slice(at + 1)) {
    readArgument(command, word, isDictionary);
  }
  return command;
}

function readArgument(
  command: IComponentCommand,
  word: IWord,
  isDictionary: (name: string) => boolean | null
): void {
  const last = command.args[command.args.length - 1];
  const afterUnpack = command.unpacks.some(
    unpack => last && unpack.word.start > last.flag.start
  );
  const template = UNPACK.exec(word.text);
  if (word.text.startsWith('--')) {
    const [flag, ...value] = word.text.slice(2).split('=');
    const values = value.length > 0 ? [{ ...word, text: value.join('=') }] : [];
    command.args.push({ name: flag, flag: word, values });
  } else if (
    template &&
    // A template right after a flag is its value, unless it is known to be a dictionary.
    (isDictionary(template[1]) ??
      (!last || last.values.length > 0 || afterUnpack))
  ) {
    command.unpacks.push({ name: template[1], word });
  } else if (last && !afterUnpack) {
    last.values.push(word);
  }
}

/** Quotes a word for the shell if necessary. */
export function quoteWord(text: string): string {
  return /^[\p{L}\p{N}_./:=@%+,{}$-]+$/u.test(text)
    ? text
    : `'${text.replace(/'/g, "'\\''")}'`;
}

/** Inserts words at the end of the arguments: before the settings, or at the end. */
export function addWords(command: IComponentCommand, words: string): string {
  const { text, unpacks, end } = command;
  const at = unpacks[0]?.word.start;
  return at === undefined
    ? `${text.slice(0, end)} ${words}${text.slice(end)}`
    : `${text.slice(0, at)}${words} ${text.slice(at)}`;
}

/** A command without some values of arguments; an argument without values is removed. */
export function removeValues(
  command: IComponentCommand,
  isGone: (name: string, value: string) => boolean
): string {
  return removeSpans(
    command,
    command.args.flatMap(({ name, flag, values }) => {
      const removals = values.filter(value => isGone(name, value.text));
      // `--name=value` is a single word.
      const words = removals.filter(value => value.start !== flag.start);
      return removals.length < values.length || removals.length === 0
        ? words.map((word): [IWord, IWord] => [word, word])
        : [[flag, words[words.length - 1] ?? flag]];
    })
  );
}

/** A command without an argument and its values. */
export function removeArgument(
  command: IComponentCommand,
  name: string
): string {
  const { args } = command;
  return removeSpans(
    command,
    args
      .filter(argument => argument.name === name)
      .map(({ flag, values }) => [flag, values[values.length - 1] ?? flag])
  );
}

/** A command that does not unpack a dictionary any more. */
export function removeUnpack(command: IComponentCommand, name: string): string {
  const { unpacks } = command;
  return removeSpans(
    command,
    unpacks
      .filter(unpack => unpack.name === name)
      .map(({ word }) => [word, word])
  );
}

/** Removes words, with the white space before them. */
function removeSpans(
  { text, words }: IComponentCommand,
  spans: readonly [first: IWord, last: IWord][]
): string {
  return spans.reduceRight((rest, [first, last]) => {
    const before = words[words.findIndex(one => one.start === first.start) - 1];
    return rest.slice(0, before.end) + rest.slice(last.end);
  }, text);
}
