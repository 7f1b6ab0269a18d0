import type { ICellDiff } from '../../api/models';
import { DiffText } from './diffText';
import { parseUnified, type IDiffLine } from './unified';
import { Hint } from '../controls';
import { stateLabel } from '../changeLabels';
import { trans } from '../locale';

/** Lines of a cell that only one side has. */
function wholeCell(source: string, kind: 'added' | 'removed'): IDiffLine[] {
  return source.split('\n').map((text, index) => ({
    kind,
    text,
    from: kind === 'removed' ? index + 1 : null,
    to: kind === 'added' ? index + 1 : null
  }));
}

function Cell(props: { cell: ICellDiff; number: number }): JSX.Element {
  const { cell, number } = props;
  const types: Record<string, string> = {
    code: trans.__('Code'),
    markdown: trans.__('Markdown'),
    raw: trans.__('Raw')
  };
  const state = cell.state === 'unchanged' ? 'modified' : cell.state;
  const lines =
    cell.old === null
      ? wholeCell(cell.new ?? '', 'added')
      : cell.new === null
        ? wholeCell(cell.old, 'removed')
        : parseUnified(cell.unified).filter(line => line.kind !== 'hunk');
  return (
    <section className="jp-mlws-Hunk" data-mlws-cell={cell.id}>
      <header>
        <code>[{number}]</code>
        <span>{types[cell.type] ?? cell.type}</span>
        <span className="jp-mlws-ChangeState" data-mlws-state={state}>
          {stateLabel(state)}
        </span>
      </header>
      {lines.length > 0 && <DiffText lines={lines} />}
      {cell.outputs_changed && <Hint>{trans.__('Outputs differ.')}</Hint>}
    </section>
  );
}

/** A notebook's differences, cell by cell; cells that are the same are counted. */
export function CellDiffs(props: { cells: readonly ICellDiff[] }): JSX.Element {
  const { cells } = props;
  const differing = cells
    .map((cell, index) => ({ cell, number: index + 1 }))
    .filter(({ cell }) => cell.state !== 'unchanged' || cell.outputs_changed);
  const same = cells.length - differing.length;
  return (
    <>
      {differing.map(({ cell, number }) => (
        <Cell key={`${number} ${cell.id}`} cell={cell} number={number} />
      ))}
      {differing.length === 0 && (
        <Hint>{trans.__('Only metadata differs.')}</Hint>
      )}
      {same > 0 && (
        <Hint>
          {trans._n('%1 cell is unchanged.', '%1 cells are unchanged.', same)}
        </Hint>
      )}
    </>
  );
}
