import type { IDiffHunk } from '../../api/models';

/** Line of a unified diff with its numbers on both sides. */
export interface IDiffLine {
  kind: 'hunk' | 'same' | 'added' | 'removed' | 'note';
  text: string;
  from: number | null;
  to: number | null;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** Numbers the lines of a hunk, each with git's sign before it. */
export function hunkLines(hunk: IDiffHunk): IDiffLine[] {
  return numbered(hunk.lines, hunk.old_start, hunk.new_start);
}

function numbered(
  signed: readonly string[],
  from: number,
  to: number
): IDiffLine[] {
  return signed.map(line => {
    const text = line.slice(1);
    switch (line[0]) {
      case '+':
        return { kind: 'added', text, from: null, to: to++ };
      case '-':
        return { kind: 'removed', text, from: from++, to: null };
      case '\\':
        return { kind: 'note', text: text.trim(), from: null, to: null };
      default:
        return { kind: 'same', text, from: from++, to: to++ };
    }
  });
}

/** Name of a changed line, by which the server stages it: its sign, and its number on that side. */
export function lineName({ from, to }: IDiffLine): string {
  return to === null ? `-${from}` : `+${to}`;
}

/** Indexes of the lines of each block of changes. */
export function blocksOf(
  lines: readonly IDiffLine[]
): { removed: number[]; added: number[] }[] {
  const blocks: { removed: number[]; added: number[] }[] = [];
  lines.forEach(({ kind }, at) => {
    if (kind !== 'removed' && kind !== 'added') {
      return;
    }
    const before = lines[at - 1]?.kind;
    if (before !== kind && !(before === 'removed' && kind === 'added')) {
      blocks.push({ removed: [], added: [] });
    }
    blocks[blocks.length - 1][kind].push(at);
  });
  return blocks;
}

/** Splits the lines of a diff into those of its hunks. */
export function splitAtHunks(lines: readonly IDiffLine[]): IDiffLine[][] {
  const hunks: IDiffLine[][] = [];
  for (const line of lines) {
    if (line.kind === 'hunk') {
      hunks.push([]);
    } else {
      hunks[hunks.length - 1]?.push(line);
    }
  }
  return hunks;
}

/** Parses the unified diff of a file, as git writes it; its header lines are left out. */
export function parseUnified(unified: string): IDiffLine[] {
  const lines: IDiffLine[] = [];
  let hunk: string[] = [];
  let starts: [number, number] | null = null;
  const close = () => {
    if (starts) {
      lines.push(...numbered(hunk, ...starts));
    }
    hunk = [];
  };
  for (const line of unified.replace(/\n$/, '').split('\n')) {
    const head = HUNK.exec(line);
    if (head) {
      close();
      starts = [Number(head[1]), Number(head[2])];
      lines.push({ kind: 'hunk', text: line, from: null, to: null });
    } else {
      hunk.push(line);
    }
  }
  close();
  return lines;
}
