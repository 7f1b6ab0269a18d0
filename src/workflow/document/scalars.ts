import { parseDocument } from 'yaml';

import type { Value } from './values';

/** Quote of a string; null lets the printer choose. */
export type Quote = '"' | "'" | null;

/**
 * Prints a value on one line so that YAML 1.1 and 1.2 parse it equally.
 *
 * `inFlow`: whether it is between brackets, where commas and braces have a meaning.
 */
export function print(
  value: Value,
  inFlow = true,
  quote: Quote = null
): string {
  if (typeof value === 'string') {
    return printString(value, inFlow, quote);
  }
  if (typeof value === 'number') {
    return printNumber(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(one => print(one)).join(', ')}]`;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value);
    return `{${entries.map(([key, one]) => `${print(key)}: ${print(one)}`).join(', ')}}`;
  }
  return String(value);
}

function printNumber(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
  }
  const text = Object.is(value, -0) ? '-0.0' : String(value);
  // YAML 1.1 takes "1e-7" for a string.
  return /^-?\d+e/.test(text) ? text.replace('e', '.0e') : text;
}

function printString(text: string, inFlow: boolean, quote: Quote): string {
  if (quote === "'" && isSingleLine(text)) {
    return `'${text.replace(/'/g, "''")}'`;
  }
  return quote === null && isPlain(text, inFlow) ? text : printDouble(text);
}

/** JSON's escapes are YAML's; some characters that JSON leaves are line breaks for YAML 1.1. */
function printDouble(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  );
}

function isSingleLine(text: string): boolean {
  return !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/.test(
    text
  );
}

const WORD = /^[\p{L}\p{N}_./][\p{L}\p{M}\p{N}_./+@%=~^-]*$/u;
const COMMAND =
  /^[\p{L}\p{N}_./][\p{L}\p{M}\p{N}_./+@%=~^${}()[\]"',*?&;|<>\\ -]*$/u;

/** Tests whether YAML 1.1 and 1.2 parse a plain scalar as this string. */
export function isPlain(text: string, inFlow: boolean): boolean {
  const shape = inFlow ? WORD : COMMAND;
  if (!shape.test(text) || text.endsWith(' ')) {
    return false;
  }
  const looksTyped = /^[\d.]/.test(text) || text.length <= 5;
  return !looksTyped || (readsAs(text, '1.1') && readsAs(text, '1.2'));
}

const RESERVED = /^(~|null|true|false|yes|no|on|off|y|n|\.nan|[-+]?\.inf)$/i;
// Integers and floats of either version, their bases, groups and sexagesimals, and dates.
const TYPED =
  /^[-+]?(0[box][\da-f_]+|[\d_]*\.?[\d_]*(e[-+]?\d+)?|\d+(:\d+)+(\.\d*)?)$|^\d{4}-\d\d?-\d\d?/i;

function readsAs(text: string, version: '1.1' | '1.2'): boolean {
  if (RESERVED.test(text) || TYPED.test(text)) {
    return false;
  }
  return parseDocument(text, { version }).toJS() === text;
}
