import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { checkIcon } from '@jupyterlab/ui-components';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { APIError, escapeId, type MLWSClient } from '../../api/client';
import type { IConflictDetail, IConflicts, SideChoice } from '../../api/models';
import { Button } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { RowIcon } from '../../ui/rowParts';
import { Answer, ServerView, useGet } from '../../ui/server';
import type { State } from '../../ui/state';
import { conflictLabel, continueLabel } from '../operationLabels';
import { CellMerge } from './cellMerge';
import { isMergeable, TableMerge, type RowSide } from './tableMerge';
import { TextMerge } from './textMerge';
import { WholeMerge } from './wholeMerge';
import { trans } from '../../ui/locale';

/** Code of the error that a path is in no conflict (any more). */
const NOT_FOUND = '30404';

/** Resolution of a path: a side, a text, or a choice for each cell. */
type Resolution =
  | { take: SideChoice }
  | { text: string }
  | { cells: Record<string, SideChoice | { source: string }> }
  | { rows: Record<string, RowSide> };

interface IProps {
  client: MLWSClient;
  path: string;
  languages: IEditorLanguageRegistry | null;
  /** True if closing the view would lose choices. */
  touched: State<boolean>;
  /** Changes files by a request: documents are saved before it, and reloaded after it. */
  change: (request: () => Promise<unknown>) => void;
  /** Opens the next conflict. */
  onOpen: (path: string) => void;
  onContinue: () => void;
  /** Closes the view. */
  onEnd: () => void;
}

/** Resolution form of a conflict, by its type. */
function Ways(
  props: IProps & {
    detail: IConflictDetail;
    conflicts: IConflicts;
    busy: boolean;
    onResolve: (resolution: Resolution) => void;
  }
): JSX.Element {
  const { detail, conflicts, busy, touched, onResolve } = props;
  const onTouched = useCallback(() => {
    touched.value = true;
  }, [touched]);
  const names = {
    ours: conflicts.ours ?? 'HEAD',
    theirs: conflicts.theirs ?? conflicts.commit?.slice(0, 8) ?? '?'
  };
  const common = { names, busy };
  if (detail.cells !== null) {
    return (
      <CellMerge
        {...common}
        cells={detail.cells}
        onTouched={onTouched}
        onResolve={choices =>
          onResolve(
            Object.keys(choices).length > 0
              ? { cells: choices }
              : { take: 'both' }
          )
        }
      />
    );
  }
  const text = detail.ours !== null && detail.theirs !== null;
  return (
    <>
      {isMergeable(detail.path) && (
        <TableMerge
          {...common}
          client={props.client}
          address={conflictAddress(detail.path)}
          onTouched={onTouched}
          onResolve={rows => onResolve({ rows })}
        />
      )}
      {text && detail.kind !== 'data' && !detail.truncated ? (
        <TextMerge
          {...common}
          detail={detail}
          languages={props.languages}
          onTouched={onTouched}
          onResolve={result => onResolve({ text: result })}
        />
      ) : (
        <WholeMerge
          {...common}
          detail={detail}
          onTake={take => onResolve({ take })}
        />
      )}
    </>
  );
}

const conflictAddress = (path: string) =>
  `/git/conflicts/${encodeURIComponent(escapeId(path))}` as const;

/** Next steps after a path is resolved. */
function Settled(props: IProps & { conflicts: IConflicts }): JSX.Element {
  const { path, conflicts, onEnd } = props;
  const isOver = conflicts.operation === null;
  useEffect(() => {
    if (isOver) {
      onEnd();
    }
  }, [isOver, onEnd]);
  return (
    <div className="jp-mlws-Settled" role="status">
      <p>
        <RowIcon icon={checkIcon} />{' '}
        {trans.__('%1: all conflicts resolved.', path)}
      </p>
      {conflicts.items.map(one => (
        <Button key={one.path} onClick={() => props.onOpen(one.path)}>
          {trans.__('Resolve %1', one.path)}
        </Button>
      ))}
      {conflicts.items.length === 0 && conflicts.operation !== null && (
        <button
          type="button"
          className="jp-mlws-ContinueButton jp-mod-styled jp-mod-accept"
          onClick={props.onContinue}
        >
          {continueLabel(conflicts.operation)}
        </button>
      )}
    </div>
  );
}

/** Conflict of a path: three versions, and their resolution. */
function Conflict(props: IProps): JSX.Element {
  const { client, path, touched } = props;
  const { queries } = client;
  const address = conflictAddress(path);
  const conflicts = useGet(client, '/git/conflicts');
  // Null once it is settled.
  const detail = useGet(
    client,
    address,
    {},
    {
      queryFn: async () => {
        try {
          return await client.get(address);
        } catch (error) {
          if (error instanceof APIError && error.code === NOT_FOUND) {
            return null;
          }
          throw error;
        }
      }
    }
  );
  const settle = useMutation(
    {
      mutationFn: (resolution: Resolution): Promise<IConflicts> =>
        'rows' in resolution
          ? client.post(`${address}/table`, { choices: resolution.rows })
          : client.post(address, resolution),
      onSuccess: rest => {
        queries.setQueryData(['/git/conflicts', {}], rest);
        queries.setQueryData([address, {}], null);
      }
    },
    queries
  );
  const isSettled = detail.data === null;
  useEffect(() => {
    if (isSettled) {
      touched.value = false;
    }
    return () => {
      touched.value = false;
    };
  }, [isSettled, touched]);
  return (
    <Answer of={conflicts}>
      {merge => (
        <Answer of={detail}>
          {one => (
            <>
              <header className="jp-mlws-View-head">
                <h2>{path}</h2>
                {one && <span>{conflictLabel(one.how)}</span>}
              </header>
              {settle.error && <Failure error={settle.error} />}
              {one ? (
                <Ways
                  {...props}
                  detail={one}
                  conflicts={merge}
                  busy={settle.isPending}
                  onResolve={resolution =>
                    props.change(() =>
                      // Its reason is shown in place.
                      settle.mutateAsync(resolution).catch(() => undefined)
                    )
                  }
                />
              ) : (
                <Settled {...props} conflicts={merge} />
              )}
            </>
          )}
        </Answer>
      )}
    </Answer>
  );
}

/** A path in conflict in the main area. */
export function conflictView(props: IProps): ServerView {
  const { client, path } = props;
  return new ServerView(client, () => <Conflict {...props} />, {
    label: trans.__('Resolve %1', path.split('/').pop() ?? path),
    className: 'jp-mlws-View jp-mlws-ConflictView',
    help: 'how-to-conflicts',
    caption: path
  });
}
