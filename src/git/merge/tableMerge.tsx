import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import type { ITableMerge } from '../../api/models';
import { Button, Hint, Select } from '../../ui/controls';
import { useGet } from '../../ui/server';
import { trans } from '../../ui/locale';
import { sideTitles } from '../operationLabels';

/** Tables whose rows can be merged, and pointers to them. */
const MERGEABLE = /\.(csv|tsv|parquet|pq|jsonl|ndjson)(\.dvc)?$/i;

/** Tests whether a conflict may be merged by row, by its path. */
export const isMergeable = (path: string): boolean => MERGEABLE.test(path);

export type RowSide = 'base' | 'ours' | 'theirs';

/** Returns how many conflicts have no choice yet. */
export function openCount(
  merge: ITableMerge,
  choices: Readonly<Record<string, RowSide>>
): number {
  const chosen = merge.conflicts.filter(({ id }) => id in choices).length;
  return '*' in choices ? 0 : merge.conflict_count - chosen;
}

/** A table in conflict, merged by row: what both sides changed is chosen. */
export function TableMerge(props: {
  client: MLWSClient;
  address: `/git/conflicts/${string}`;
  names: Record<'ours' | 'theirs', string>;
  busy: boolean;
  onTouched: () => void;
  onResolve: (choices: Record<string, RowSide>) => void;
}): JSX.Element | null {
  const { client, address, names, busy, onTouched, onResolve } = props;
  const answer = useGet<'/git/conflicts/{conflict}/table', ITableMerge>(
    client,
    `${address}/table` as '/git/conflicts/{conflict}/table'
  );
  const [choices, setChoices] = useState<Record<string, RowSide>>({});
  const merge = answer.data;
  if (!merge) {
    return null;
  }
  if (merge.problem !== null) {
    return (
      <Hint>
        {trans.__('The table can’t be merged by row: %1', merge.problem)}
      </Hint>
    );
  }
  const labels = sideTitles(names);
  const left = openCount(merge, choices);
  const choose = (next: Record<string, RowSide>) => {
    setChoices(next);
    onTouched();
  };
  return (
    <section
      className="jp-mlws-TableMerge"
      aria-label={trans.__('Merge by row')}
    >
      <h3>{trans.__('Merge by row')}</h3>
      <p>
        {trans.__(
          'Rows are matched by “%1”. Taken from the other side: %2. With cells of both sides: %3. In conflict: %4.',
          merge.key!,
          merge.from_theirs,
          merge.combined,
          merge.conflict_count
        )}
      </p>
      {merge.conflicts.length > 0 && (
        <>
          <div className="jp-mlws-Tools">
            {(['ours', 'theirs'] as const).map(side => (
              <Button
                key={side}
                data-mlws-take-all={side}
                disabled={busy}
                onClick={() => choose({ '*': side })}
              >
                {side === 'ours'
                  ? trans.__('Use Ours for All')
                  : trans.__('Use Theirs for All')}
              </Button>
            ))}
          </div>
          <div
            className="jp-mlws-Scrolled jp-mlws-TableDiff-rows"
            role="region"
            aria-label={trans.__('Conflicts')}
            tabIndex={0}
          >
            <table className="jp-mlws-Values">
              <thead>
                <tr>
                  {[
                    merge.key!,
                    trans.__('Column'),
                    labels.base,
                    labels.ours,
                    labels.theirs,
                    trans.__('Result')
                  ].map(name => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {merge.conflicts.map(one => (
                  <tr key={one.id} data-mlws-row={one.key}>
                    <th scope="row">{one.key}</th>
                    <td>{one.column ?? trans.__('(whole row)')}</td>
                    {(['base', 'ours', 'theirs'] as const).map(side => (
                      <td key={side} title={one[side] ?? undefined}>
                        {one[side] ?? trans.__('(no such row)')}
                      </td>
                    ))}
                    <td>
                      <Select<RowSide | ''>
                        aria-label={trans.__('Result of %1', one.key)}
                        value={choices[one.id] ?? choices['*'] ?? ''}
                        disabled={busy}
                        options={[
                          ['', trans.__('Choose…'), true],
                          ['ours', trans.__('Ours')],
                          ['theirs', trans.__('Theirs')],
                          ['base', trans.__('Base')]
                        ]}
                        onChange={side => {
                          if (side) {
                            choose({ ...choices, [one.id]: side });
                          }
                        }}
                      />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
      {left > 0 ? (
        <Hint role="status">
          {trans._n(
            '%1 conflict is left to choose.',
            '%1 conflicts are left to choose.',
            left
          )}
        </Hint>
      ) : (
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept"
          data-mlws-merge-rows
          disabled={busy}
          onClick={() => onResolve(choices)}
        >
          {trans.__('Merge Rows')}
        </button>
      )}
    </section>
  );
}
