import { filterIcon, HTMLSelect, searchIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';

import type { IRunColumns } from '../api/models';
import { Check, LabelledSelect, SearchField } from '../ui/controls';
import { IconButton } from '../ui/iconButton';
import { trans } from '../ui/locale';
import { useValue, type State } from '../ui/state';
import { filterFault, FilterForm } from './filterForm';
import type { IViews } from './layout';
import { ColumnMenu, ViewMenu } from './menus';
import {
  groupFields,
  type IChoice,
  type ISearch,
  type ITableColumn
} from './table';

/** Name of what rows are grouped by: `params.depth` is "depth (parameter)". */
export function groupLabel(field: string): string {
  const [kind, ...words] = field.split('.');
  const name = words.join('.');
  const labels: Record<string, string> = {
    experiment: trans.__('Experiment'),
    workflow: trans.__('Workflow'),
    name: trans.__('Name'),
    params: trans.__('%1 (parameter)', name),
    tags: trans.__('%1 (tag)', name)
  };
  return labels[kind] ?? field;
}

/** Search, groups, columns and views above the table of runs. */
export function TableSearch(props: {
  search: State<ISearch>;
  /** True if the server rejected the condition. */
  isWrong: boolean;
  workflows: readonly string[];
  names: IRunColumns | undefined;
  choices: readonly IChoice[];
  columns: readonly ITableColumn[];
  views: IViews;
}): JSX.Element {
  const { isWrong, workflows, names, views } = props;
  const search = useValue(props.search);
  const set = (change: Partial<ISearch>) =>
    (props.search.value = { ...search, ...change });
  // Applied on submit: half a condition is invalid.
  const [filter, setFilter] = useState(search.filter);
  const [previous, setPrevious] = useState(search.filter);
  const [isForm, setIsForm] = useState(false);
  if (previous !== search.filter) {
    setPrevious(search.filter);
    setFilter(search.filter);
  }
  const fault = isWrong ? filterFault(search.filter) : null;
  const fields = names ? groupFields(names) : [];
  const { group } = views.layout;
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
      <IconButton
        icon={filterIcon}
        label={trans.__('Edit Conditions')}
        aria-expanded={isForm}
        onClick={() => setIsForm(!isForm)}
      />
      {fault && (
        <p className="jp-mlws-Table-fault" role="alert">
          {fault}
        </p>
      )}
      {isForm && (
        <FilterForm
          key={search.filter}
          text={search.filter}
          columns={names}
          onApply={text => set({ filter: text })}
        />
      )}
      <div className="jp-mlws-Table-choices">
        <HTMLSelect
          aria-label={trans.__('Experiment')}
          value={search.experiment}
          options={[
            { value: '', label: trans.__('All experiments') },
            ...[
              ...new Set([
                ...(names?.experiments ?? []),
                ...(search.experiment ? [search.experiment] : [])
              ])
            ].map(name => ({ value: name, label: name }))
          ]}
          onChange={event => set({ experiment: event.target.value })}
        />
        <HTMLSelect
          aria-label={trans.__('Workflow')}
          value={search.workflow}
          options={[
            { value: '', label: trans.__('All workflows') },
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
            ['deleted', trans.__('Deleted')],
            ['commits', trans.__('Commits')]
          ]}
          onChange={state => set({ state })}
        />
        <LabelledSelect<string>
          label={trans.__('Group by')}
          value={group ?? ''}
          options={[
            ['', trans.__('nothing')],
            ...[...new Set([...fields, ...(group ? [group] : [])])].map(
              field => [field, groupLabel(field)] as const
            )
          ]}
          onChange={field => views.change({ group: field || null })}
        />
        <span className="jp-mlws-Table-menus">
          <ColumnMenu
            choices={props.choices}
            columns={props.columns}
            onChange={columns => views.change({ columns })}
          />
          <ViewMenu
            views={views}
            search={search}
            onSearch={next => (props.search.value = next)}
          />
        </span>
      </div>
    </form>
  );
}
