import type { TranslationBundle } from '@jupyterlab/translation';

import type { IFailure } from '../api/models';
import { parseAnsi } from '../ui/ansi';

/** "ValueError: could not convert …", also with its module before it. */
const EXCEPTION =
  /^(?:[A-Za-z_][\w.]*\.)?([A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning|NotFound)\w*)(?::\s*(.*))?$/;
/** The scheduler's line of a command. */
const COMMAND = /^> /;
/** Lines that only draw: frames, carets, rules. */
const DECORATION = /^[\s^~\-=─│|]*$/;
const MAX_LENGTH = 300;

/** Returns the last exception of a failed node's log in one line, else the error's own message. */
export function failureSentence(
  error: IFailure,
  trans: TranslationBundle
): string {
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
    ? shorten(last[last.length - 1].trim())
    : error.message;
}

/** Returns the setting that an error is most likely about; null where none is named. */
export function faultySetting(
  error: IFailure,
  settings: Readonly<Record<string, unknown>>,
  trans: TranslationBundle
): string | null {
  // What there is instead is no fault.
  const [sentence] = failureSentence(error, trans).split('; it has ');
  const quoted = new Set(
    [...sentence.matchAll(/['"“‘`]([^'"”’`]+)['"”’`]/g)].map(([, text]) => text)
  );
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
    names.find(name => sentence.split(/\W+/).includes(name)) ??
    null
  );
}

/** Returns the line of a file at which the last exception of a failed node arose; else null. */
export function failureLine(error: IFailure, path: string): number | null {
  const frames = logLines(error).flatMap(line => {
    const match = /^\s*File "(.+)", line (\d+)/.exec(line);
    return match && (match[1] === path || match[1].endsWith(`/${path}`))
      ? [Number(match[2])]
      : [];
  });
  return frames[frames.length - 1] ?? null;
}

function logLines(error: IFailure): string[] {
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
