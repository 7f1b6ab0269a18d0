import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDiffLine } from './unified';

/** One line with its numbers and its sign. */
function Line(props: {
  line: IDiffLine;
  trans: TranslationBundle;
}): JSX.Element {
  const { line, trans } = props;
  const signs = { added: '+', removed: '−', same: '', hunk: '', note: '' };
  const labels: Record<string, string> = {
    added: trans.__('added line'),
    removed: trans.__('removed line')
  };
  return (
    <tr className={`jp-mlws-Diff-line jp-mod-${line.kind}`}>
      <td className="jp-mlws-Diff-number">{line.from}</td>
      <td className="jp-mlws-Diff-number">{line.to}</td>
      <td className="jp-mlws-Diff-sign" aria-label={labels[line.kind]}>
        {signs[line.kind]}
      </td>
      <td className="jp-mlws-Diff-text">{line.text}</td>
    </tr>
  );
}

/** Lines of a unified diff. */
export function DiffLines(props: {
  lines: readonly IDiffLine[];
  trans: TranslationBundle;
}): JSX.Element {
  return (
    <table className="jp-mlws-Diff">
      <tbody>
        {props.lines.map((line, index) => (
          <Line key={index} line={line} trans={props.trans} />
        ))}
      </tbody>
    </table>
  );
}
