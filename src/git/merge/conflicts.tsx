import { checkIcon } from '@jupyterlab/ui-components';

import type { IConflict, IConflicts, OperationAction } from '../../api/models';
import { Hint } from '../../ui/controls';
import { Rows } from '../../ui/rows';
import { kindIcons } from '../../ui/fileIcons';
import { RowIcon, RowParts, splitPath } from '../../ui/rowParts';
import { trans } from '../../ui/locale';
import {
  conflictLabel,
  continueLabel,
  operationHint,
  operationLabel
} from '../operationLabels';

/** Actions of a pending merge or other operation. */
export interface IMergeActions {
  resolve(conflict: IConflict): void;
  /** Continues, skips or aborts the operation. */
  advance(operation: string, action: OperationAction): void;
}

function ConflictRow(props: {
  conflict: IConflict;
  onOpen: () => void;
}): JSX.Element {
  const { conflict, onOpen } = props;
  const { path, kind, how } = conflict;
  const { name, facts } = splitPath(path);
  const label = `${path}: ${conflictLabel(how)}`;
  return (
    <li>
      <button
        type="button"
        className="jp-mlws-Row jp-mlws-Conflict"
        data-mlws-row
        data-mlws-conflict={path}
        title={`${label}\n${trans.__('Resolve…')}`}
        aria-label={label}
        onClick={onOpen}
      >
        <RowParts
          icon={kindIcons[kind]}
          name={name}
          facts={`${facts} ${conflictLabel(how)}`}
          state="conflicted"
        />
      </button>
    </li>
  );
}

/** Pending operation: its conflicts, and the actions to continue or abort. */
export function Conflicts(props: {
  conflicts: IConflicts;
  /** Null if only conflicts are left. */
  operation: string | null;
  /** The ways on from the operation. */
  ways: readonly OperationAction[];
  actions: IMergeActions;
}): JSX.Element {
  const { conflicts, operation, ways, actions } = props;
  const { items, ours, theirs, commit } = conflicts;
  const open = items.length;
  const from = theirs ?? commit?.slice(0, 8) ?? '?';
  const label = operationLabel(operation ?? 'merge');
  return (
    <section className="jp-mlws-MergePanel" aria-label={label}>
      {operation !== null && (
        <p className="jp-mlws-MergePanel-title">
          {operation === 'merge'
            ? trans.__('Merging “%1” into “%2”', from, ours ?? 'HEAD')
            : trans.__('In progress: %1', label)}
        </p>
      )}
      {operation !== null && operation !== 'merge' && open === 0 && (
        <Hint>{operationHint(operation)}</Hint>
      )}
      {open > 0 ? (
        <>
          <Hint role="status">
            {trans._n(
              '%1 file has conflicts. Open it to resolve them, then continue.',
              '%1 files have conflicts. Open each file to resolve them, then continue.',
              open
            )}
          </Hint>
          <Rows label={trans.__('Files with conflicts')}>
            {items.map(conflict => (
              <ConflictRow
                key={conflict.path}
                conflict={conflict}
                onOpen={() => actions.resolve(conflict)}
              />
            ))}
          </Rows>
        </>
      ) : operation !== 'merge' ? null : (
        <Hint role="status">
          <RowIcon icon={checkIcon} width="14px" />{' '}
          {trans.__('All conflicts resolved.')}
        </Hint>
      )}
      {operation !== null && (
        <div className="jp-mlws-MergePanel-buttons">
          {ways.includes('continue') && open === 0 && (
            <button
              type="button"
              className="jp-mlws-ContinueButton jp-mod-styled jp-mod-accept"
              onClick={() => actions.advance(operation, 'continue')}
            >
              {continueLabel(operation)}
            </button>
          )}
          {ways.includes('skip') && (
            <button
              type="button"
              className="jp-mlws-SkipButton jp-mod-styled"
              onClick={() => actions.advance(operation, 'skip')}
            >
              {trans.__('Skip Commit')}
            </button>
          )}
          {ways.includes('abort') && (
            <button
              type="button"
              className="jp-mlws-AbortButton jp-mod-styled"
              onClick={() => actions.advance(operation, 'abort')}
            >
              {trans.__('Abort %1…', label)}
            </button>
          )}
        </div>
      )}
    </section>
  );
}
