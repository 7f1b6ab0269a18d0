/** One line of a unified diff with its numbers on both sides. */
export interface IDiffLine {
  kind: 'hunk' | 'same' | 'added' | 'removed' | 'note';
  text: string;
  from: number | null;
  to: number | null;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** Parses the unified diff of one file, as git writes it; its header lines are left out. */
export function parseUnified(unified: string): IDiffLine[] {
  const lines: IDiffLine[] = [];
  let from = 0;
  let to = 0;
  let inside = false;
  for (const line of unified.replace(/\n$/, '').split('\n')) {
    const hunk = HUNK.exec(line);
    if (hunk) {
      [from, to, inside] = [Number(hunk[1]), Number(hunk[2]), true];
      lines.push({ kind: 'hunk', text: line, from: null, to: null });
    } else if (inside) {
      const text = line.slice(1);
      if (line.startsWith('+')) {
        lines.push({ kind: 'added', text, from: null, to: to++ });
      } else if (line.startsWith('-')) {
        lines.push({ kind: 'removed', text, from: from++, to: null });
      } else if (line.startsWith('\\')) {
        lines.push({ kind: 'note', text: text.trim(), from: null, to: null });
      } else {
        lines.push({ kind: 'same', text, from: from++, to: to++ });
      }
    }
  }
  return lines;
}
