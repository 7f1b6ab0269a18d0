import type { INodeFailure } from '../api/models';
import { parseAnsi } from '../ui/ansi';
import { trans } from '../ui/locale';

/** "ValueError: could not convert …", also with its module before it. */
const EXCEPTION =
  /^(?:[A-Za-z_][\w.]*\.)?([A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning|NotFound)\w*)(?::\s*(.*))?$/;
/** The scheduler's line of a command. */
const COMMAND = /^> /;
/** Lines that only draw: frames, carets, rules. */
const DECORATION = /^[\s^~\-=─│|]*$/;
const MAX_LENGTH = 300;
/** Error of a built-in component, whose message is written for users. */
const COMPONENT_ERROR = 'ComponentError';
/** Prefix of the output of a node that was not run, or whose result could not be stored. */
const REFUSAL = /^jupyter mlws node: /;

/** Returns the last exception of a failed node's log in one line, or the error's message. */
export function failureSentence(error: INodeFailure): string {
  const own = ownMessage(error);
  if (own !== null) {
    return shorten(own);
  }
  const lines = logLines(error);
  for (const line of [...lines].reverse()) {
    const match = EXCEPTION.exec(line.trim());
    if (match) {
      const [, name, message = ''] = match;
      // Python shows the text of a KeyError as it is written in code.
      const [, sentence] =
        name === 'KeyError'
          ? (/^(?:"(.* .*)"|'(.* .*)')$/.exec(message) ?? []).filter(Boolean)
          : [];
      return shorten(
        sentence ??
          (name === 'KeyError' && message
            ? trans.__('Column or key %1 not found', message)
            : message
              ? `${name}: ${message}`
              : name)
      );
    }
  }
  const last = lines.filter(
    line => !COMMAND.test(line) && !DECORATION.test(line)
  );
  // A node that was stopped or ran out of memory says so in its message, and not in its log.
  return error.code === '40101' && last.length > 0
    ? shorten(last[last.length - 1].trim().replace(REFUSAL, ''))
    : error.message;
}

/** Row of a failure, counted from 1; the port is null if only one port has a table. */
export interface IFailedRow {
  row: number;
  port: string | null;
}

/** Returns the row of an input table that a failed node names; null if none. */
export function failedRow(error: INodeFailure): IFailedRow | null {
  const match = /\brow (\d+)(?: of the input '(\w+)')?/.exec(
    failureSentence(error)
  );
  return match && { row: Number(match[1]), port: match[2] ?? null };
}

/** Returns the message of a built-in component's failure; null for other failures. */
function ownMessage(error: INodeFailure): string | null {
  const last = logLines(error)
    .filter(line => EXCEPTION.test(line.trim()))
    .pop();
  const [, name, message = ''] = EXCEPTION.exec(last?.trim() ?? '') ?? [];
  return name === COMPONENT_ERROR ? message : null;
}

/** Returns the setting that most likely caused an error; null if the error names none. */
export function faultySetting(
  error: INodeFailure,
  settings: Readonly<Record<string, unknown>>
): string | null {
  // The alternative is not an error message.
  const [sentence] = failureSentence(error).split('; it has ');
  const quoted = new Set(
    [...sentence.matchAll(/['"“‘`]([^'"”’`]+)['"”’`]/g)].map(([, text]) => text)
  );
  // In a sentence for people, `column` and `missing` are words as others.
  const isOwn = ownMessage(error) !== null;
  const words = sentence.split(/\W+/);
  const isNamed = (name: string): boolean =>
    isOwn
      ? (name.includes('_') && words.includes(name)) ||
        sentence.startsWith(`${name}:`) ||
        sentence.includes(`${name} column`)
      : words.includes(name);
  const names = Object.keys(settings);
  const isAbout = (value: unknown): boolean =>
    Array.isArray(value) ? value.some(isAbout) : quoted.has(String(value));
  return (
    names.find(name => quoted.has(name)) ??
    names.find(
      name =>
        settings[name] !== null &&
        settings[name] !== '' &&
        isAbout(settings[name])
    ) ??
    names.find(isNamed) ??
    null
  );
}

/** Returns the line of a file at which the last exception of a failed node arose; else null. */
export function failureLine(error: INodeFailure, path: string): number | null {
  const frames = logLines(error).flatMap(line => {
    const match = /^\s*File "(.+)", line (\d+)/.exec(line);
    return match && (match[1] === path || match[1].endsWith(`/${path}`))
      ? [Number(match[2])]
      : [];
  });
  return frames[frames.length - 1] ?? null;
}

function logLines(error: INodeFailure): string[] {
  const { log } = error.details;
  return Array.isArray(log)
    ? log.map(line =>
        parseAnsi(String(line))
          .map(span => span.text)
          .join('')
      )
    : [];
}

function shorten(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
