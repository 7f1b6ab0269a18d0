import { useVirtualizer } from '@tanstack/react-virtual';
import { KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';

import type { MLWSClient } from '../api/client';
import type { IExperimentRun, IReproduction, IRunGroups } from '../api/models';
import { readMore, readPages } from '../api/pages';
import { notifyOnError } from '../lab/notify';
import { OperationView } from '../operations/operationView';
import { useOperation } from '../operations/tracker';
import { Button, Hint } from '../ui/controls';
import { trans } from '../ui/locale';
import { NoRuns } from './noRuns';
import { Answer, Failures, ServerView, useGet, usePages } from '../ui/server';
import { useValue, type State } from '../ui/state';
import { GroupHeads, SortHead } from '../ui/table/heading';
import { useViewActions } from '../ui/viewActions';
import type { RunActions } from './actions';
import { useCommits } from './commits';
import { idOf, useGroups, type TableRow } from './groupRuns';
import { useViews } from './layout';
import { Reproduced } from './reproduced';
import {
  ALL_RUNS,
  choicesOf,
  columnsWithValues,
  formatSort,
  inOrder,
  keyOf,
  parseSort,
  queryOf,
  sortKey,
  type ISearch,
  type ISort,
  type ITableColumn,
  type SortKey
} from './table';
import {
  BaselineRow,
  GroupRow,
  ROW_HEIGHT,
  RunRow,
  stickyCell
} from './tableRows';
import { TableSearch } from './tableSearch';

/** Number of rows rendered beyond the viewport, on both sides. */
const OVERSCAN = 12;

/** Runs that are selected and compared at once. */
const MAX_SELECTED = 2000;

interface IProps {
  client: MLWSClient;
  actions: RunActions;
  search: State<ISearch>;
}

/** Puts the actions on the selected runs into the toolbar. */
function useSelectionActions(
  { actions }: IProps,
  selected: readonly IExperimentRun[],
  baseline: string | null,
  onPin: (run: string | null) => void,
  onClear: () => void
): void {
  const only = selected.length === 1 ? selected[0] : null;
  const operation = useOperation(actions.operations, only ? keyOf(only) : '');
  const isTracked = only !== null && only.id !== null;
  // Commits have neither tags nor marks.
  const areRecorded =
    selected.length > 0 && selected.every(run => run.kind === 'run');
  useViewActions({
    compare: {
      label:
        selected.length < 2
          ? trans.__('Compare (select two)')
          : trans.__('Compare %1 Runs', selected.length),
      className: 'jp-mlws-TableCompare',
      isEnabled: selected.length > 1,
      execute: () => actions.compare(selected)
    },
    register: {
      label: trans.__('Register as Model…'),
      isEnabled: isTracked,
      execute: () => actions.register(only!)
    },
    reproduce: {
      label: trans.__('Reproduce'),
      tooltip: trans.__(
        'Recreate the code, data and settings of this run in a folder'
      ),
      isEnabled: isTracked && operation?.state !== 'running' && !!only.commit,
      execute: () => void actions.reproduce(only!)
    },
    lineage: {
      label: trans.__('Lineage'),
      isEnabled: isTracked,
      execute: () => actions.lineage(only!)
    },
    baseline: {
      label:
        only !== null && only.id === baseline
          ? trans.__('Unpin Baseline')
          : trans.__('Pin as Baseline'),
      tooltip: trans.__(
        'Keep the run above the others, which show their differences from it'
      ),
      isEnabled: isTracked,
      execute: () => onPin(only!.id === baseline ? null : only!.id)
    },
    star: areRecorded && {
      label: selected.every(run => run.starred)
        ? trans.__('Remove Star')
        : trans.__('Add Star'),
      execute: () =>
        actions.change(selected, {
          starred: !selected.every(run => run.starred)
        })
    },
    tag: areRecorded && {
      label: trans.__('Add Tag…'),
      execute: () => actions.addTag(selected)
    },
    archive: areRecorded && {
      label: selected.every(run => run.archived)
        ? trans.__('Unarchive')
        : trans.__('Archive'),
      execute: () =>
        actions.change(selected, {
          archived: !selected.every(run => run.archived)
        })
    },
    'clear-selection': selected.length > 0 && {
      label: trans._n(
        'Clear Selection (%1)',
        'Clear Selection (%1)',
        selected.length
      ),
      execute: onClear
    }
  });
}

/** Next sort order after a click on a heading: descending, ascending, then unsorted. */
function nextSort(key: string, sort: ISort | null): ISort | null {
  if (sort?.key !== key) {
    return { key, descending: true };
  }
  return sort.descending ? { key, descending: false } : null;
}

/** Visible rows, with space for the others. */
function Table(props: {
  sort: ISort | null;
  onSort: (sort: ISort | null) => void;
  rows: readonly TableRow[];
  columns: readonly ITableColumn[];
  baseline: IExperimentRun | null;
  selected: ReadonlySet<string>;
  reproductions: readonly IReproduction[];
  hasMore: boolean;
  onSelect: (run: IExperimentRun) => void;
  onSelectAll: (isSelected: boolean) => void;
  onOpen: (run: IExperimentRun) => void;
  onStar: (run: IExperimentRun, starred: boolean) => void;
  onToggleGroup: (group: string) => void;
  onUnpin: () => void;
  onEnd: () => void;
}): JSX.Element {
  const { rows, columns, selected, reproductions, hasMore, onEnd } = props;
  const { baseline } = props;
  const pane = useRef<HTMLDivElement>(null);
  const table = useRef<HTMLTableElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => pane.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN
  });
  const items = virtual.getVirtualItems();
  const start = items[0]?.index ?? 0;
  const end = start + items.length;

  useEffect(() => {
    if (end >= rows.length && hasMore) {
      onEnd();
    }
    // The current query is that of the rows.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [end, rows, hasMore]);

  // Cells that stay in view begin where those before them end; only the browser knows where.
  useEffect(() => {
    let left = 0;
    table.current
      ?.tHead!.rows[1].querySelectorAll<HTMLElement>('[data-mlws-sticky]')
      .forEach(head => {
        table.current!.style.setProperty(
          `--mlws-left-${head.dataset.mlwsSticky}`,
          `${left}px`
        );
        left += head.offsetWidth;
      });
  });

  const walk = (event: KeyboardEvent) => {
    const at = (event.target as HTMLElement).dataset.mlwsRow;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    if (at !== undefined && event.key in steps) {
      event.preventDefault();
      const next = Number(at) + steps[event.key];
      pane.current
        ?.querySelector<HTMLElement>(`[data-mlws-row="${next}"]`)
        ?.focus();
    }
  };
  const pinned = columns.filter(one => one.pinned);
  const others = columns.slice(pinned.length);
  const heading = (
    name: string,
    key: SortKey,
    sticky?: number
  ): JSX.Element => (
    <SortHead
      key={key}
      name={name}
      order={props.sort?.key === key ? props.sort : null}
      onSort={() => props.onSort(nextSort(key, props.sort))}
      {...(sticky === undefined ? {} : stickyCell(sticky))}
    />
  );
  // Neighbours of one kind have one head.
  const kinds: [string, number][] = [];
  for (const { kind } of others) {
    const name =
      kind === 'metric' ? trans.__('Metrics') : trans.__('Parameters');
    const last = kinds[kinds.length - 1];
    if (last?.[0] === name) {
      last[1] += 1;
    } else {
      kinds.push([name, 1]);
    }
  }
  return (
    <div
      ref={pane}
      className="jp-mlws-Table-pane"
      tabIndex={-1}
      onKeyDown={walk}
    >
      <table
        ref={table}
        className="jp-mlws-Values jp-mlws-RunTable"
        aria-label={trans.__('Runs')}
        aria-rowcount={hasMore ? -1 : rows.length + 1}
      >
        <thead>
          <GroupHeads
            groups={[
              [trans.__('Run'), pinned.length > 0 ? 2 : 5],
              [trans.__('Pinned'), pinned.length],
              ['', pinned.length > 0 ? 3 : 0],
              ...kinds
            ]}
          />
          <tr>
            <td className="jp-mlws-Table-choice" {...stickyCell(0)}>
              <input
                type="checkbox"
                aria-label={trans.__('Select all runs that match')}
                title={trans.__(
                  'Select all runs that match, at most %1',
                  MAX_SELECTED
                )}
                checked={selected.size > 0 && selected.size >= rows.length}
                onChange={event => props.onSelectAll(event.target.checked)}
              />
            </td>
            {heading(trans.__('Name'), 'attributes.run_name', 1)}
            {pinned.map((column, index) =>
              heading(column.name, sortKey(column), index + 2)
            )}
            {heading(trans.__('Status'), 'attributes.status')}
            {heading(trans.__('Started'), 'attributes.start_time')}
            <th scope="col">{trans.__('Duration')}</th>
            {others.map(column => heading(column.name, sortKey(column)))}
          </tr>
          {baseline && (
            <BaselineRow
              run={baseline}
              columns={columns}
              onOpen={() => props.onOpen(baseline)}
              onUnpin={props.onUnpin}
            />
          )}
        </thead>
        <tbody>
          <tr aria-hidden="true" style={{ height: start * ROW_HEIGHT }} />
          {rows
            .slice(start, end)
            .map((row, at) =>
              row.kind === 'group' ? (
                <GroupRow
                  key={row.key}
                  group={row.group}
                  isOpen={row.isOpen}
                  isCut={row.isCut}
                  index={start + at}
                  columns={columns}
                  onToggle={() => props.onToggleGroup(idOf(row.group))}
                />
              ) : (
                <RunRow
                  key={row.key}
                  run={row.run}
                  isInGroup={row.isInGroup}
                  index={start + at}
                  columns={columns}
                  baseline={
                    baseline && keyOf(row.run) !== keyOf(baseline)
                      ? baseline
                      : null
                  }
                  selected={selected.has(keyOf(row.run))}
                  isReproduced={reproductions.some(
                    one => one.run === row.run.id
                  )}
                  onSelect={() => props.onSelect(row.run)}
                  onOpen={() => props.onOpen(row.run)}
                  onStar={starred => props.onStar(row.run, starred)}
                />
              )
            )}
          <tr
            aria-hidden="true"
            style={{ height: (rows.length - end) * ROW_HEIGHT }}
          />
        </tbody>
      </table>
    </div>
  );
}

function RunTable(props: IProps): JSX.Element {
  const { client, actions } = props;
  const search = useValue(props.search);
  const views = useViews(client);
  const { layout } = views;
  const sort = useMemo(() => parseSort(layout.sort), [layout.sort]);
  // The chosen runs by their keys, in the order of choice.
  const [selected, setSelected] = useState<ReadonlyMap<string, IExperimentRun>>(
    new Map()
  );
  const query = queryOf(search, layout.sort);
  const answer = usePages(client, '/runs', query, {
    keepPrevious: true
  });
  const all = useGet(client, '/runs/columns');
  const workflows = useGet(client, '/workflows');
  const reproductions = useGet(client, '/reproductions');
  const isEmpty = answer.data?.items.length === 0;
  const isUnfiltered = ![
    search.q,
    search.filter,
    search.experiment,
    search.workflow
  ].some(Boolean);
  const commits = useCommits(
    client,
    search,
    sort,
    search.state === 'commits' ||
      (isEmpty && isUnfiltered && search.state === 'active')
  );
  const group = commits.isShown ? null : layout.group;
  const groups = useGroups(client, search, sort, group);
  const { baseline } = layout;
  const pin = useGet(
    client,
    `/runs/${encodeURIComponent(baseline ?? '')}`,
    {},
    { enabled: baseline !== null }
  );
  // A new table starts with all runs.
  useEffect(() => () => void (props.search.value = ALL_RUNS), [props.search]);

  const runs = commits.isShown ? commits.runs : answer.data?.items;
  const choices = useMemo(
    () => (all.data ? choicesOf(all.data, commits.all) : []),
    [all.data, commits.all]
  );
  const columns = useMemo(
    () => layout.columns ?? columnsWithValues(choices, runs ?? []),
    [choices, layout.columns, runs]
  );
  const newest = new Map(runs?.map(run => [keyOf(run), run]));
  const chosenRuns = [...selected].map(([key, run]) => newest.get(key) ?? run);
  const only = chosenRuns.length === 1 ? chosenRuns[0] : null;
  useSelectionActions(
    props,
    chosenRuns,
    baseline,
    run => views.change({ baseline: run }),
    () => setSelected(new Map())
  );
  const existing = reproductions.data?.items ?? [];
  const reproduction = existing.find(one => one.run === only?.id);
  // Others stay selected: commits are compared with runs.
  const select = (chosen: readonly IExperimentRun[]) =>
    setSelected(now => {
      const next = new Map(now);
      chosen.forEach(run => next.set(keyOf(run), run));
      return next;
    });
  return (
    <Answer of={commits.isShown ? commits.answer : answer}>
      {page => {
        const items = commits.isShown ? commits.runs : page.items;
        const hasMore = !commits.isShown && page.next_cursor !== null;
        const rows =
          group === null
            ? items.map((run): TableRow => {
                return { kind: 'run', key: keyOf(run), run, isInGroup: false };
              })
            : groups.rows;
        return (
          <>
            <Failures
              of={[
                all,
                workflows,
                reproductions,
                views.answer,
                ...(group === null ? [] : [groups.answer]),
                ...(baseline === null ? [] : [pin])
              ]}
            />
            {baseline !== null && pin.error && (
              <Button onClick={() => views.change({ baseline: null })}>
                {trans.__('Unpin Baseline')}
              </Button>
            )}
            <TableSearch
              search={props.search}
              isWrong={
                answer.error?.errors.some(({ field }) => field === 'filter') ??
                false
              }
              workflows={workflows.data?.items.map(({ path }) => path) ?? []}
              names={all.data}
              choices={choices}
              columns={columns}
              views={views}
            />
            {only && (
              <OperationView
                tracker={actions.operations}
                place={keyOf(only)}
                client={client}
              />
            )}
            {reproduction && (
              <Reproduced reproduction={reproduction} actions={actions} />
            )}
            {commits.isShown && <Hint>{commits.hint}</Hint>}
            {items.length === 0 ? (
              isUnfiltered ? (
                <NoRuns client={client} />
              ) : (
                <Hint>{trans.__('No runs match the filter.')}</Hint>
              )
            ) : (
              <Table
                rows={rows}
                columns={inOrder(columns)}
                baseline={(baseline !== null && pin.data) || null}
                selected={new Set(selected.keys())}
                reproductions={existing}
                hasMore={hasMore && group === null}
                sort={sort}
                onSort={next => views.change({ sort: formatSort(next) })}
                onSelect={run =>
                  setSelected(now => {
                    const next = new Map(now);
                    if (!next.delete(keyOf(run))) {
                      next.set(keyOf(run), run);
                    }
                    return next;
                  })
                }
                onSelectAll={isSelected =>
                  void notifyOnError(async () => {
                    if (!isSelected) {
                      setSelected(new Map());
                    } else if (commits.isShown) {
                      select(items);
                    } else {
                      const page = await readPages(
                        client,
                        '/runs',
                        query,
                        MAX_SELECTED
                      );
                      select(page.items);
                    }
                  })
                }
                onOpen={run => actions.openRow(run)}
                onStar={(run, starred) => actions.change([run], { starred })}
                onToggleGroup={groups.toggle}
                onUnpin={() => views.change({ baseline: null })}
                onEnd={() =>
                  void notifyOnError(() =>
                    readMore(client, '/runs', query, 'items')
                  )
                }
              />
            )}
            <Hint role="status">
              {commits.isShown
                ? trans._n('%1 commit', '%1 commits', items.length)
                : group !== null
                  ? groupsText(groups.answer.data)
                  : hasMore
                    ? trans.__('%1 runs loaded. Scroll for more.', items.length)
                    : trans._n('%1 run', '%1 runs', items.length)}
            </Hint>
          </>
        );
      }}
    </Answer>
  );
}

function groupsText(groups: IRunGroups | undefined): string {
  if (!groups) {
    return '';
  }
  const { length } = groups.items;
  const text = trans._n('%1 group', '%1 groups', length);
  return groups.more === 0
    ? text
    : trans.__('The %1 largest of %2 groups', length, length + groups.more);
}

/** The table of all runs in the main area, with search and sorting. It reads more on scrolling. */
export function runTableView(props: IProps): ServerView {
  return new ServerView(props.client, () => <RunTable {...props} />, {
    label: trans.__('Experiments'),
    className: 'jp-mlws-View jp-mlws-RunTableView',
    help: 'reference-experiments'
  });
}
