import { useState } from 'react';

import type { ICellSides, Side, SideChoice } from '../../api/models';
import { Button, Check, Hint } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { sideTitles } from '../operationLabels';

type CellChoice = SideChoice | { source: string };

/** Source of a cell by a choice; null if the side deleted it. */
function sourceBy(cell: ICellSides, choice: CellChoice): string | null {
  if (typeof choice !== 'string') {
    return choice.source;
  }
  return choice === 'both'
    ? [cell.ours, cell.theirs].filter(part => part !== null).join('\n\n')
    : cell[choice];
}

function SideSource(props: {
  cell: ICellSides;
  side: Side;
  label: string;
}): JSX.Element {
  const { cell, side, label } = props;
  const source = cell[side];
  return (
    <section aria-label={label} data-mlws-side={side}>
      <h4>{label}</h4>
      {source === null ? (
        <Hint>{trans.__('No such cell on this side.')}</Hint>
      ) : (
        <pre>{source}</pre>
      )}
    </section>
  );
}

function ConflictingCell(props: {
  cell: ICellSides;
  number: number;
  names: Record<'ours' | 'theirs', string>;
  choice: CellChoice | undefined;
  onChoose: (choice: CellChoice) => void;
}): JSX.Element {
  const { cell, number, names, choice, onChoose } = props;
  const labels = sideTitles(names);
  const takes: [SideChoice, string][] = [
    [
      'ours',
      cell.ours === null ? trans.__('Use Ours (Delete)') : trans.__('Use Ours')
    ],
    [
      'theirs',
      cell.theirs === null
        ? trans.__('Use Theirs (Delete)')
        : trans.__('Use Theirs')
    ],
    ['both', trans.__('Use Both')],
    ['base', trans.__('Use Base')]
  ];
  const choices = takes.filter(
    ([side]) => side !== 'both' || (cell.ours !== null && cell.theirs !== null)
  );
  const edited = choice !== undefined && typeof choice !== 'string';
  const result = choice === undefined ? undefined : sourceBy(cell, choice);
  return (
    <section
      className={`jp-mlws-MergeCell jp-mod-${choice === undefined ? 'open' : 'settled'}`}
      data-mlws-cell={cell.id}
      aria-label={trans.__('Cell %1', number)}
    >
      <header>
        <code>[{number}]</code>
        {choices.map(([side, label]) => (
          <Button
            key={side}
            data-mlws-take={side}
            aria-pressed={choice === side}
            onClick={() => onChoose(side)}
          >
            {label}
          </Button>
        ))}
        <Button
          data-mlws-take="edit"
          aria-pressed={edited}
          onClick={() => onChoose({ source: result ?? cell.merged })}
        >
          {trans.__('Edit Manually')}
        </Button>
      </header>
      <div className="jp-mlws-MergeCell-sides">
        {(['ours', 'base', 'theirs'] as const).map(side => (
          <SideSource key={side} cell={cell} side={side} label={labels[side]} />
        ))}
      </div>
      {choice !== undefined && (
        <div className="jp-mlws-MergeCell-result" data-mlws-side="result">
          <h4>{trans.__('Result')}</h4>
          {edited ? (
            <textarea
              aria-label={trans.__('Result of cell %1', number)}
              rows={Math.min(Math.max(choice.source.split('\n').length, 3), 20)}
              spellCheck={false}
              value={choice.source}
              onChange={event => onChoose({ source: event.target.value })}
            />
          ) : result === null ? (
            <Hint>{trans.__('This cell will be deleted.')}</Hint>
          ) : (
            <pre>{result}</pre>
          )}
        </div>
      )}
    </section>
  );
}

/** Cells of a notebook in three versions: merged cells are collapsed, conflicts have choices. */
export function CellMerge(props: {
  cells: readonly ICellSides[];
  names: Record<'ours' | 'theirs', string>;
  busy: boolean;
  onTouched: () => void;
  onResolve: (choices: Record<string, CellChoice>) => void;
}): JSX.Element {
  const { cells, names, busy } = props;
  const [choices, setChoices] = useState<Record<string, CellChoice>>({});
  const [all, setAll] = useState(false);
  const conflicts = cells.filter(cell => cell.conflict);
  const open = conflicts.filter(cell => choices[cell.id] === undefined);
  const choose = (id: string, choice: CellChoice) => {
    props.onTouched();
    setChoices(known => ({ ...known, [id]: choice }));
  };
  const chooseOpen = (choice: SideChoice) =>
    open.forEach(cell => choose(cell.id, choice));
  return (
    <div className="jp-mlws-CellMerge">
      <div className="jp-mlws-Merge-toolbar" role="toolbar">
        <span role="status" className="jp-mlws-Merge-count">
          {open.length === 0
            ? trans.__('No unresolved conflicts')
            : trans._n(
                '%1 of %2 cells has an unresolved conflict',
                '%1 of %2 cells have unresolved conflicts',
                open.length,
                cells.length
              )}
        </span>
        {open.length > 0 && (
          <>
            <Button onClick={() => chooseOpen('ours')}>
              {trans.__('Use Ours Everywhere')}
            </Button>
            <Button onClick={() => chooseOpen('theirs')}>
              {trans.__('Use Theirs Everywhere')}
            </Button>
          </>
        )}
        <Check
          className="jp-mlws-Compare-option"
          checked={all}
          onChange={setAll}
        >
          {trans.__('Show all cells')}
        </Check>
        {open.length === 0 && (
          <button
            type="button"
            className="jp-mlws-ResolveButton jp-mod-styled jp-mod-accept"
            disabled={busy}
            onClick={() => props.onResolve(choices)}
          >
            {trans.__('Accept Result')}
          </button>
        )}
      </div>
      {cells.map((cell, index) =>
        cell.conflict ? (
          <ConflictingCell
            key={cell.id}
            cell={cell}
            number={index + 1}
            names={names}
            choice={choices[cell.id]}
            onChoose={choice => choose(cell.id, choice)}
          />
        ) : (
          all && (
            <section
              key={cell.id}
              className="jp-mlws-MergeCell"
              aria-label={trans.__('Cell %1', index + 1)}
            >
              <header>
                <code>[{index + 1}]</code>
              </header>
              <pre>{cell.merged}</pre>
            </section>
          )
        )
      )}
    </div>
  );
}
