import { language } from '../../ui/locale';

export type ReportPart =
  | { kind: 'heading'; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'list'; items: readonly string[] }
  /** `bold` are cells, by row and column, that are the best of their column. */
  | {
      kind: 'table';
      columns: readonly string[];
      rows: readonly (readonly string[])[];
      bold?: ReadonlySet<string>;
    }
  /** `source` is a data URL. */
  | { kind: 'image'; name: string; source: string };

const STYLE = `
body { max-width: 1000px; margin: 2em auto; padding: 0 1em; color: #222;
  font: 15px/1.5 system-ui, sans-serif; background: #fff; }
h1 { font-size: 1.6em; } h2 { margin-top: 2em; font-size: 1.2em; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 10px; border-bottom: 1px solid #eee; text-align: left; }
.scroll { overflow-x: auto; } img { max-width: 100%; }
pre { padding: 8px; overflow: auto; background: #f6f6f6; }`;

/**
 * Returns a report as a single HTML file.
 *
 * Every text is escaped, and the file's content security policy allows no script.
 */
export function reportHtml(
  title: string,
  parts: readonly ReportPart[]
): string {
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  return `<!doctype html>
<html lang="${escape(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
${parts.map(partHtml).join('\n')}
</body>
</html>
`;
}

function partHtml(part: ReportPart): string {
  switch (part.kind) {
    case 'heading':
      return `<h2>${escape(part.text)}</h2>`;
    case 'text':
      return `<p>${escape(part.text)}</p>`;
    case 'code':
      return `<pre>${escape(part.text)}</pre>`;
    case 'list':
      return `<ul>${part.items.map(item => `<li>${escape(item)}</li>`).join('')}</ul>`;
    case 'table': {
      const head = part.columns
        .map(name => `<th>${escape(name)}</th>`)
        .join('');
      const rows = part.rows.map((row, index) => {
        const cells = row.map((cell, column) => {
          const text = escape(cell);
          const isBold = part.bold?.has(`${index} ${column}`);
          return `<td>${isBold ? `<strong>${text}</strong>` : text}</td>`;
        });
        return `<tr>${cells.join('')}</tr>`;
      });
      return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
    }
    case 'image':
      return part.source.startsWith('data:image/')
        ? `<p><img alt="${escape(part.name)}" src="${escape(part.source)}"></p>`
        : '';
  }
}

function escape(text: string): string {
  const codes: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;'
  };
  return text.replace(/[&<>"']/g, sign => codes[sign]);
}
