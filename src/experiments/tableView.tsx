import { Button, HTMLSelect, searchIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { KeyboardEvent, useEffect, useRef, useState } from 'react';

import { cellText, duration, fullTime } from '../ui/format';
import { LiveView } from '../ui/liveView';
import { WorkView } from '../operations/workView';
import { runStatusWord } from '../ui/runStatus';
import { runName } from './compare';
import { Reproduced } from './reproduced';
import {
  IChoice,
  ISearch,
  ISort,
  keyOf,
  RunTableModel,
  sortKey
} from './table';
import type { IFoundRun, IReproduction } from '../api/models';
import { ROW_HEIGHT, windowOf } from './window';

/** What the person can do with runs. */
export interface IRunActions {
  compare(runs: readonly IFoundRun[]): void;
  register(run: IFoundRun): void;
  reproduce(run: IFoundRun): void;
  lineage(run: IFoundRun): void;
  openFolder(reproduction: IReproduction): void;
  copyCommand(reproduction: IReproduction): void;
  removeReproduction(reproduction: IReproduction): void;
}

interface ITableProps {
  model: RunTableModel;
  actions: IRunActions;
  language: string;
  trans: TranslationBundle;
}

function Search(props: ITableProps): JSX.Element {
  const { model, trans } = props;
  const { search } = model;
  const set = (change: Partial<ISearch>) =>
    (model.search = { ...search, ...change });
  // MLflow's language is read when it is finished: half a condition is no condition.
  const [filter, setFilter] = useState(search.filter);
  const [seen, setSeen] = useState(search.filter);
  if (seen !== search.filter) {
    setSeen(search.filter);
    setFilter(search.filter);
  }
  const isWrong = model.error?.errors.some(fault => fault.field === 'filter');
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
      <input
        className="jp-mod-styled"
        type="search"
        name="q"
        aria-label={trans.__('Filter by name')}
        placeholder={trans.__('Name')}
        value={search.q}
        onChange={event => set({ q: event.target.value })}
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
      <button
        type="submit"
        className="jp-mlws-IconButton"
        title={trans.__('Search')}
        aria-label={trans.__('Search')}
      >
        <searchIcon.react tag="span" width="16px" />
      </button>
      <HTMLSelect
        aria-label={trans.__('Workflow')}
        value={search.workflow}
        options={[
          { value: '', label: trans.__('All runs') },
          ...model.workflows.map(path => ({ value: path, label: path }))
        ]}
        onChange={event => set({ workflow: event.target.value })}
      />
      <label className="jp-mlws-Check">
        <input
          type="checkbox"
          checked={search.nested}
          onChange={event => set({ nested: event.target.checked })}
        />
        {trans.__('Include nodes')}
      </label>
      <Columns {...props} />
    </form>
  );
}

function Columns(props: ITableProps): JSX.Element {
  const { model, trans } = props;
  const [text, setText] = useState('');
  const shown = new Set(model.columns.map(sortKey));
  const found = model.choices.filter(one =>
    one.name.toLowerCase().includes(text.toLowerCase())
  );
  return (
    <details className="jp-mlws-Columns">
      <summary>{trans.__('Columns (%1)', shown.size)}</summary>
      <div className="jp-mlws-Columns-list">
        <input
          className="jp-mod-styled"
          type="search"
          aria-label={trans.__('Find a column')}
          placeholder={trans.__('Find a column')}
          value={text}
          onChange={event => setText(event.target.value)}
        />
        {found.map(one => (
          <label key={sortKey(one)} className="jp-mlws-Check">
            <input
              type="checkbox"
              checked={shown.has(sortKey(one))}
              onChange={() => model.toggleColumn(one)}
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

function Chosen(props: ITableProps): JSX.Element {
  const { model, actions, trans } = props;
  const { selected } = model;
  const only = selected.length === 1 ? selected[0] : null;
  const isBusy = only !== null && model.works.isRunning(keyOf(only));
  const isTracked = only !== null && only.id !== null;
  return (
    <div className="jp-mlws-Tools jp-mlws-Table-tools">
      <Button
        small={true}
        className="jp-mlws-TableCompare"
        disabled={selected.length < 2}
        onClick={() => actions.compare(selected)}
      >
        {selected.length < 2
          ? trans.__('Compare (select two)')
          : trans.__('Compare %1 Runs', selected.length)}
      </Button>
      <Button
        small={true}
        disabled={!isTracked}
        onClick={() => actions.register(only!)}
      >
        {trans.__('Register as Model…')}
      </Button>
      <Button
        small={true}
        disabled={!isTracked || isBusy || !only?.commit}
        title={trans.__(
          'Recreate the code, data and settings of this run in a folder'
        )}
        onClick={() => actions.reproduce(only!)}
      >
        {trans.__('Reproduce')}
      </Button>
      <Button
        small={true}
        disabled={!isTracked}
        onClick={() => actions.lineage(only!)}
      >
        {trans.__('Lineage')}
      </Button>
      {selected.length > 0 && (
        <Button
          small={true}
          minimal={true}
          onClick={() => model.clearSelection()}
        >
          {trans._n(
            'Clear Selection (%1)',
            'Clear Selection (%1)',
            selected.length
          )}
        </Button>
      )}
    </div>
  );
}

/** The sort that a click on a heading asks for: down, up, then as they came. */
function nextSort(key: string, sort: ISort | null): ISort | null {
  if (sort?.key !== key) {
    return { key, descending: true };
  }
  return sort.descending ? { key, descending: false } : null;
}

function Heading(props: {
  model: RunTableModel;
  name: string;
  sort: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, name, trans } = props;
  const mine = model.sort?.key === props.sort ? model.sort : null;
  const state = !mine ? 'none' : mine.descending ? 'descending' : 'ascending';
  const arrows = { none: '', ascending: ' ▲', descending: ' ▼' };
  return (
    <th scope="col" aria-sort={state}>
      <button
        title={trans.__('Sort by %1', name)}
        onClick={() => (model.sort = nextSort(props.sort, model.sort))}
      >
        {name}
        <span aria-hidden="true">{arrows[state]}</span>
      </button>
    </th>
  );
}

function Row(
  props: ITableProps & {
    run: IFoundRun;
    index: number;
    columns: readonly IChoice[];
  }
): JSX.Element {
  const { model, run, index, columns, language, trans } = props;
  const selected = model.isSelected(run);
  const name = run.node ? `${runName(run)} · ${run.node}` : runName(run);
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
          onChange={() => model.select(run)}
        />
      </td>
      <th scope="row" title={`${name}\n${run.run}`}>
        {name}{' '}
        {model.reproduction(run) && (
          <span className="jp-mlws-Badge">{trans.__('reproduced')}</span>
        )}
      </th>
      <td>
        <span className="jp-mlws-Status" data-mlws-status={run.status}>
          {runStatusWord(run.status, trans)}
        </span>
      </td>
      <td>{run.started ? fullTime(run.started, language) : '–'}</td>
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

/** The rows in view, and room for the others. */
function Table(props: ITableProps): JSX.Element {
  const { model, trans } = props;
  const pane = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [height, setHeight] = useState(600);
  const { items, columns } = model;
  const { start, end } = windowOf(items.length, scrollTop, height);

  useEffect(() => {
    const node = pane.current!;
    const observer = new ResizeObserver(() => setHeight(node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (end >= items.length && model.hasMore) {
      void model.more();
    }
  }, [model, end, items.length, model.hasMore]);

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
  return (
    <div
      ref={pane}
      className="jp-mlws-Table-pane"
      tabIndex={-1}
      onScroll={event => setScrollTop(event.currentTarget.scrollTop)}
      onKeyDown={walk}
    >
      <table
        className="jp-mlws-Values jp-mlws-RunTable"
        aria-label={trans.__('Runs')}
        aria-rowcount={model.hasMore ? -1 : items.length + 1}
      >
        <thead>
          <tr>
            <th colSpan={5} scope="colgroup">
              {trans.__('Run')}
            </th>
            {metrics > 0 && (
              <th colSpan={metrics} scope="colgroup">
                {trans.__('Metrics')}
              </th>
            )}
            {columns.length > metrics && (
              <th colSpan={columns.length - metrics} scope="colgroup">
                {trans.__('Parameters')}
              </th>
            )}
          </tr>
          <tr>
            <td className="jp-mlws-Table-choice" />
            <Heading
              model={model}
              name={trans.__('Name')}
              sort="attributes.run_name"
              trans={trans}
            />
            <Heading
              model={model}
              name={trans.__('Status')}
              sort="attributes.status"
              trans={trans}
            />
            <Heading
              model={model}
              name={trans.__('Started')}
              sort="attributes.start_time"
              trans={trans}
            />
            <th scope="col">{trans.__('Duration')}</th>
            {columns.map(column => (
              <Heading
                key={sortKey(column)}
                model={model}
                name={column.name}
                sort={sortKey(column)}
                trans={trans}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          <tr aria-hidden="true" style={{ height: start * ROW_HEIGHT }} />
          {items.slice(start, end).map((run, at) => (
            <Row
              key={keyOf(run)}
              {...props}
              run={run}
              index={start + at}
              columns={columns}
            />
          ))}
          <tr
            aria-hidden="true"
            style={{ height: (items.length - end) * ROW_HEIGHT }}
          />
        </tbody>
      </table>
    </div>
  );
}

function Content(props: ITableProps): JSX.Element {
  const { model, actions, language, trans } = props;
  const { q, filter, workflow } = model.search;
  const isSearched = [q, filter, workflow].some(Boolean);
  const only = model.selected.length === 1 ? model.selected[0] : null;
  const reproduction = only ? model.reproduction(only) : undefined;
  return (
    <>
      <Search {...props} />
      <Chosen {...props} />
      {only && (
        <WorkView
          works={model.works}
          about={keyOf(only)}
          language={language}
          trans={trans}
        />
      )}
      {reproduction && (
        <Reproduced
          reproduction={reproduction}
          actions={actions}
          trans={trans}
        />
      )}
      {model.items.length === 0 ? (
        <p className="jp-mlws-Hint">
          {isSearched
            ? trans.__('No runs match the filter.')
            : trans.__(
                'No runs yet. Run a workflow to see and compare its parameters and metrics here.'
              )}
        </p>
      ) : (
        <Table {...props} />
      )}
      <p className="jp-mlws-Hint" role="status">
        {model.hasMore
          ? trans.__('%1 runs loaded. Scroll for more.', model.items.length)
          : trans._n('%1 run', '%1 runs', model.items.length)}
      </p>
    </>
  );
}

/** All runs as a table in the main area. */
export class RunTableView extends LiveView<RunTableModel> {
  constructor(
    model: RunTableModel,
    private _actions: IRunActions,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.title.label = trans.__('Experiments');
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-RunTableView');
  }

  protected body(): JSX.Element {
    return (
      <Content
        model={this.model}
        actions={this._actions}
        language={this._language}
        trans={this.trans}
      />
    );
  }
}
