import { HTMLSelect, searchIcon } from '@jupyterlab/ui-components';
import { useVirtualizer } from '@tanstack/react-virtual';
import { KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';

import type { MLWSClient } from '../api/client';
import type { IExperimentRun, IReproduction } from '../api/models';
import { readMore, readPages } from '../api/pages';
import { notifyOnError } from '../lab/notify';
import { OperationView } from '../operations/operationView';
import { useOperation } from '../operations/tracker';
import { cellText, duration, fullTime, titleOf } from '../ui/format';
import { Check, Hint, LabelledSelect, SearchField } from '../ui/controls';
import { trans } from '../ui/locale';
import { IconButton } from '../ui/iconButton';
import { runStatusText } from '../ui/runStatus';
import { Answer, Failures, ServerView, useGet, usePages } from '../ui/server';
import { toggled, useValue, type State } from '../ui/state';
import { GroupHeads, SortHead } from '../ui/table/heading';
import { useViewActions } from '../ui/viewActions';
import type { RunActions } from './actions';
import { Reproduced } from './reproduced';
import { Star } from './star';
import {
  ALL_RUNS,
  choicesOf,
  columnsWithValues,
  keyOf,
  queryOf,
  sortKey,
  type IChoice,
  type ISearch,
  type ISort,
  type SortKey
} from './table';

/** Height of a row in pixels; all are equally high. */
const ROW_HEIGHT = 28;
/** Number of rows rendered beyond the viewport, on both sides. */
const OVERSCAN = 12;

/** Runs that are selected and compared at once. */
const MAX_SELECTED = 2000;

interface IProps {
  client: MLWSClient;
  actions: RunActions;
  search: State<ISearch>;
}

interface IColumnsProps {
  choices: readonly IChoice[];
  columns: readonly IChoice[];
  onToggle: (column: IChoice) => void;
}

function Search(
  props: IProps &
    IColumnsProps & {
      /** True if the condition is invalid. */
      isWrong: boolean;
      workflows: readonly string[];
    }
): JSX.Element {
  const { isWrong, workflows } = props;
  const search = useValue(props.search);
  const set = (change: Partial<ISearch>) =>
    (props.search.value = { ...search, ...change });
  // Applied on submit: half a condition is invalid.
  const [filter, setFilter] = useState(search.filter);
  const [previous, setPrevious] = useState(search.filter);
  if (previous !== search.filter) {
    setPrevious(search.filter);
    setFilter(search.filter);
  }
  return (
    <form
      className="jp-mlws-Table-search"
      role="search"
      aria-label={trans.__('Filter runs')}
      onSubmit={event => {
        event.preventDefault();
        set({ filter });
      }}
    >
      <SearchField
        name="q"
        label={trans.__('Filter by name')}
        placeholder={trans.__('Name')}
        value={search.q}
        onChange={q => set({ q })}
      />
      <input
        className="jp-mod-styled jp-mlws-Table-filter"
        name="filter"
        spellCheck={false}
        autoComplete="off"
        aria-label={trans.__('Filter by condition')}
        aria-invalid={isWrong}
        title={trans.__('MLflow search syntax. Press Enter to search.')}
        placeholder="metrics.accuracy > 0.9 AND params.kind = 'forest'"
        value={filter}
        onChange={event => setFilter(event.target.value)}
      />
      <IconButton type="submit" icon={searchIcon} label={trans.__('Search')} />
      <HTMLSelect
        aria-label={trans.__('Workflow')}
        value={search.workflow}
        options={[
          { value: '', label: trans.__('All runs') },
          ...workflows.map(path => ({ value: path, label: path }))
        ]}
        onChange={event => set({ workflow: event.target.value })}
      />
      <Check
        className="jp-mlws-Check"
        checked={search.nested}
        onChange={nested => set({ nested })}
      >
        {trans.__('Include nodes')}
      </Check>
      <LabelledSelect<ISearch['state']>
        label={trans.__('Show')}
        value={search.state}
        options={[
          ['active', trans.__('All but archived')],
          ['starred', trans.__('With a star')],
          ['archived', trans.__('Archived, too')],
          ['deleted', trans.__('Deleted')]
        ]}
        onChange={state => set({ state })}
      />
      <Columns {...props} />
    </form>
  );
}

function Columns(props: IColumnsProps): JSX.Element {
  const { choices, columns } = props;
  const [text, setText] = useState('');
  const visible = new Set(columns.map(sortKey));
  const matches = choices.filter(one =>
    one.name.toLowerCase().includes(text.toLowerCase())
  );
  return (
    <details className="jp-mlws-Columns">
      <summary>{trans.__('Columns (%1)', visible.size)}</summary>
      <div className="jp-mlws-Columns-list">
        <SearchField
          label={trans.__('Find a column')}
          value={text}
          onChange={setText}
        />
        {matches.map(one => (
          <label key={sortKey(one)} className="jp-mlws-Check">
            <input
              type="checkbox"
              checked={visible.has(sortKey(one))}
              onChange={() => props.onToggle(one)}
            />
            {one.name}{' '}
            <span className="jp-mlws-Run-fact">
              {one.kind === 'metric'
                ? trans.__('metric')
                : trans.__('parameter')}
            </span>
          </label>
        ))}
      </div>
    </details>
  );
}

/** Puts the actions on the selected runs into the toolbar. */
function useSelectionActions(
  { actions }: IProps,
  selected: readonly IExperimentRun[],
  onClear: () => void
): void {
  const only = selected.length === 1 ? selected[0] : null;
  const operation = useOperation(actions.operations, only ? keyOf(only) : '');
  const isTracked = only !== null && only.id !== null;
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
    star: selected.length > 0 && {
      label: selected.every(run => run.starred)
        ? trans.__('Remove Star')
        : trans.__('Add Star'),
      execute: () =>
        actions.change(selected, {
          starred: !selected.every(run => run.starred)
        })
    },
    tag: selected.length > 0 && {
      label: trans.__('Add Tag…'),
      execute: () => actions.addTag(selected)
    },
    archive: selected.length > 0 && {
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

function Row(props: {
  client: MLWSClient;
  run: IExperimentRun;
  index: number;
  columns: readonly IChoice[];
  selected: boolean;
  isReproduced: boolean;
  onSelect: () => void;
  onOpen: () => void;
  onStar: (starred: boolean) => void;
}): JSX.Element {
  const { run, index, columns, selected } = props;
  const name = titleOf(run);
  return (
    <tr
      style={{ height: ROW_HEIGHT }}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-mlws-run={keyOf(run)}
    >
      <td className="jp-mlws-Table-choice">
        <input
          type="checkbox"
          data-mlws-row={index}
          aria-label={trans.__('Select %1, %2', name, run.run)}
          checked={selected}
          onChange={props.onSelect}
        />
      </td>
      <th scope="row" title={`${name}\n${run.run}`}>
        {run.id !== null && <Star run={run} onChange={props.onStar} />}
        <button className="jp-mlws-Link" onClick={props.onOpen}>
          {name}
        </button>{' '}
        {props.isReproduced && (
          <span className="jp-mlws-Badge">{trans.__('reproduced')}</span>
        )}
      </th>
      <td>
        <span className="jp-mlws-Status" data-mlws-status={run.status}>
          {runStatusText(run.status)}
        </span>
      </td>
      <td>{run.started ? fullTime(run.started) : '–'}</td>
      <td>{run.duration === null ? '–' : duration(run.duration)}</td>
      {columns.map(column => {
        const values = column.kind === 'metric' ? run.metrics : run.params;
        const text = cellText(values[column.name]);
        return (
          <td key={sortKey(column)} title={text}>
            {text}
          </td>
        );
      })}
    </tr>
  );
}

/** Visible rows, with space for the others. */
function Table(props: {
  client: MLWSClient;
  sort: ISort | null;
  onSort: (sort: ISort | null) => void;
  runs: readonly IExperimentRun[];
  columns: readonly IChoice[];
  selected: ReadonlySet<string>;
  reproductions: readonly IReproduction[];
  hasMore: boolean;
  onSelect: (run: IExperimentRun) => void;
  onSelectAll: (isSelected: boolean) => void;
  onOpen: (run: IExperimentRun) => void;
  onStar: (run: IExperimentRun, starred: boolean) => void;
  onEnd: () => void;
}): JSX.Element {
  const { runs, columns, selected, reproductions, hasMore, onEnd } = props;
  const pane = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: runs.length,
    getScrollElement: () => pane.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN
  });
  const items = rows.getVirtualItems();
  const start = items[0]?.index ?? 0;
  const end = start + items.length;

  useEffect(() => {
    if (end >= runs.length && hasMore) {
      onEnd();
    }
    // The current query is that of the runs.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [end, runs, hasMore]);

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
  const metrics = columns.filter(one => one.kind === 'metric').length;
  const heading = (name: string, key: SortKey): JSX.Element => (
    <SortHead
      key={key}
      name={name}
      order={props.sort?.key === key ? props.sort : null}
      onSort={() => props.onSort(nextSort(key, props.sort))}
    />
  );
  return (
    <div
      ref={pane}
      className="jp-mlws-Table-pane"
      tabIndex={-1}
      onKeyDown={walk}
    >
      <table
        className="jp-mlws-Values jp-mlws-RunTable"
        aria-label={trans.__('Runs')}
        aria-rowcount={hasMore ? -1 : runs.length + 1}
      >
        <thead>
          <GroupHeads
            groups={[
              [trans.__('Run'), 5],
              [trans.__('Metrics'), metrics],
              [trans.__('Parameters'), columns.length - metrics]
            ]}
          />
          <tr>
            <td className="jp-mlws-Table-choice">
              <input
                type="checkbox"
                aria-label={trans.__('Select all runs that match')}
                title={trans.__(
                  'Select all runs that match, at most %1',
                  MAX_SELECTED
                )}
                checked={selected.size > 0 && selected.size >= runs.length}
                onChange={event => props.onSelectAll(event.target.checked)}
              />
            </td>
            {heading(trans.__('Name'), 'attributes.run_name')}
            {heading(trans.__('Status'), 'attributes.status')}
            {heading(trans.__('Started'), 'attributes.start_time')}
            <th scope="col">{trans.__('Duration')}</th>
            {columns.map(column => heading(column.name, sortKey(column)))}
          </tr>
        </thead>
        <tbody>
          <tr aria-hidden="true" style={{ height: start * ROW_HEIGHT }} />
          {runs.slice(start, end).map((run, at) => (
            <Row
              key={keyOf(run)}
              client={props.client}
              run={run}
              index={start + at}
              columns={columns}
              selected={selected.has(keyOf(run))}
              isReproduced={reproductions.some(one => one.run === run.id)}
              onSelect={() => props.onSelect(run)}
              onOpen={() => props.onOpen(run)}
              onStar={starred => props.onStar(run, starred)}
            />
          ))}
          <tr
            aria-hidden="true"
            style={{ height: (runs.length - end) * ROW_HEIGHT }}
          />
        </tbody>
      </table>
    </div>
  );
}

function RunTable(props: IProps): JSX.Element {
  const { client, actions } = props;
  const search = useValue(props.search);
  const [sort, setSort] = useState<ISort | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  // The chosen runs by their keys, in the order of choice.
  const [selected, setSelected] = useState<ReadonlyMap<string, IExperimentRun>>(
    new Map()
  );
  const query = queryOf(search, sort);
  const answer = usePages(client, '/runs', query, {
    keepPrevious: true
  });
  const all = useGet(client, '/runs/columns');
  const workflows = useGet(client, '/workflows');
  const reproductions = useGet(client, '/reproductions');
  // A new table starts with all runs.
  useEffect(() => () => void (props.search.value = ALL_RUNS), [props.search]);

  const runs = answer.data?.items;
  const choices = useMemo(
    () => (all.data ? choicesOf(all.data) : []),
    [all.data]
  );
  const columns = useMemo(
    () =>
      chosen
        ? choices.filter(one => chosen.has(sortKey(one)))
        : columnsWithValues(choices, runs ?? []),
    [choices, chosen, runs]
  );
  const newest = new Map(runs?.map(run => [keyOf(run), run]));
  const chosenRuns = [...selected].map(([key, run]) => newest.get(key) ?? run);
  const only = chosenRuns.length === 1 ? chosenRuns[0] : null;
  useSelectionActions(props, chosenRuns, () => setSelected(new Map()));
  const existing = reproductions.data?.items ?? [];
  const reproduction = existing.find(one => one.run === only?.id);
  return (
    <Answer of={answer}>
      {({ items, next_cursor }) => (
        <>
          <Failures of={[all, workflows, reproductions]} />
          <Search
            {...props}
            isWrong={
              answer.error?.errors.some(({ field }) => field === 'filter') ??
              false
            }
            workflows={workflows.data?.items.map(({ path }) => path) ?? []}
            choices={choices}
            columns={columns}
            onToggle={column =>
              setChosen(toggled(new Set(columns.map(sortKey)), sortKey(column)))
            }
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
          {items.length === 0 ? (
            <Hint>
              {[search.q, search.filter, search.workflow].some(Boolean)
                ? trans.__('No runs match the filter.')
                : trans.__(
                    'No runs yet. Run a workflow to see and compare its parameters and metrics here.'
                  )}
            </Hint>
          ) : (
            <Table
              client={client}
              runs={items}
              columns={columns}
              selected={new Set(selected.keys())}
              reproductions={existing}
              hasMore={next_cursor !== null}
              sort={sort}
              onSort={setSort}
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
                  const page = isSelected
                    ? await readPages(client, '/runs', query, MAX_SELECTED)
                    : { items: [] };
                  setSelected(
                    new Map(page.items.map(run => [keyOf(run), run]))
                  );
                })
              }
              onOpen={run => actions.open(keyOf(run))}
              onStar={(run, starred) => actions.change([run], { starred })}
              onEnd={() =>
                void notifyOnError(() =>
                  readMore(client, '/runs', query, 'items')
                )
              }
            />
          )}
          <Hint role="status">
            {next_cursor !== null
              ? trans.__('%1 runs loaded. Scroll for more.', items.length)
              : trans._n('%1 run', '%1 runs', items.length)}
          </Hint>
        </>
      )}
    </Answer>
  );
}

/** The table of all runs in the main area, with search and sorting. It reads more on scrolling. */
export function runTableView(props: IProps): ServerView {
  return new ServerView(props.client, () => <RunTable {...props} />, {
    label: trans.__('Experiments'),
    className: 'jp-mlws-View jp-mlws-RunTableView',
    help: 'reference-experiments'
  });
}
