import { IEventStream, MLWSClient, Query } from '../api/client';
import { WorkspaceModel } from '../api/live';
import type {
  IOperation,
  IPage,
  IWorkflowEvent,
  IWorkflowSummary,
  IWorkspaceEvent
} from '../api/models';
import { Works } from '../operations/works';
import type { IFoundRun, IReproduction, IRunColumns } from '../api/models';

/** Runs that are asked for together. */
const PAGE = 100;
/** The most that the server gives at once. */
const LARGEST_PAGE = 500;
/** Metrics, and parameters, that are shown before anybody has chosen. */
const SHOWN = 6;

/** A column by which can be sorted, as MLflow's language has it. */
export type SortKey = string;

export interface ISort {
  key: SortKey;
  descending: boolean;
}

/** Which runs are shown. */
export interface ISearch {
  /** Part of the name. */
  q: string;
  /** In MLflow's language. */
  filter: string;
  /** Path of a workflow; "" for all runs. */
  workflow: string;
  /** The runs of nodes, too. */
  nested: boolean;
}

/** A parameter or metric that may be a column. */
export interface IChoice {
  kind: 'metric' | 'param';
  name: string;
}

/** The key of a choice, which is how MLflow's language names it. */
export function sortKey({ kind, name }: IChoice): SortKey {
  return `${kind === 'metric' ? 'metrics' : 'params'}.\`${name}\``;
}

/** What a run is told apart by: nodes share the id of their workflow's run. */
export function keyOf(run: IFoundRun): string {
  return run.id ?? run.run;
}

/** All runs of the project as a table: searched, sorted, loaded as far as they were looked at. */
export class RunTableModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    workspace: IEventStream<IWorkspaceEvent>,
    runs: IEventStream<IWorkflowEvent>
  ) {
    super(client, workspace, ['runs', 'history'], runs);
    this.works = new Works(client);
    this.works.changed.connect(this.changed, this);
  }

  /** Reproductions that are being made, by the key of their run. */
  readonly works: Works;

  get items(): readonly IFoundRun[] {
    return this._items;
  }

  /** Whether there are more runs than `items`. */
  get hasMore(): boolean {
    return this._cursor !== null;
  }

  get search(): ISearch {
    return this._search;
  }

  set search(search: ISearch) {
    this._search = search;
    this._startOver();
  }

  /** Null for the newest first. */
  get sort(): ISort | null {
    return this._sort;
  }

  set sort(sort: ISort | null) {
    this._sort = sort;
    this._startOver();
  }

  /** Everything that may be a column, metrics first. */
  get choices(): readonly IChoice[] {
    return this._choices;
  }

  /** What is a column, in the order of `choices`; first some of what the shown runs have. */
  get columns(): readonly IChoice[] {
    const chosen = this._chosen;
    if (chosen) {
      return this._choices.filter(one => chosen.has(sortKey(one)));
    }
    const held = this._held;
    const of = (kind: IChoice['kind']) =>
      this._choices
        .filter(one => one.kind === kind && held.has(sortKey(one)))
        .slice(0, SHOWN);
    return [...of('metric'), ...of('param')];
  }

  /** Paths of the workflows that there are. */
  get workflows(): readonly string[] {
    return this._workflows;
  }

  /** The chosen runs, in the order of choice. */
  get selected(): readonly IFoundRun[] {
    return [...this._selected.values()];
  }

  dispose(): void {
    this.works.dispose();
    super.dispose();
  }

  isSelected(run: IFoundRun): boolean {
    return this._selected.has(keyOf(run));
  }

  /** Chooses a run, or no longer. */
  select(run: IFoundRun): void {
    const key = keyOf(run);
    if (!this._selected.delete(key)) {
      this._selected.set(key, run);
    }
    this.changed();
  }

  clearSelection(): void {
    this._selected.clear();
    this.changed();
  }

  /** Shows a column, or no longer. */
  toggleColumn(column: IChoice): void {
    const chosen = new Set(this.columns.map(sortKey));
    const key = sortKey(column);
    if (!chosen.delete(key)) {
      chosen.add(key);
    }
    this._chosen = chosen;
    this.changed();
  }

  /** Reads the next runs; calls meanwhile are left out. */
  async more(): Promise<void> {
    const cursor = this._cursor;
    if (cursor === null || this._isLoadingMore) {
      return;
    }
    this._isLoadingMore = true;
    try {
      const page = await this._page(PAGE, cursor);
      if (this._cursor === cursor) {
        this._setItems([...this._items, ...page.items]);
        this._cursor = page.next_cursor;
        this.changed();
      }
    } finally {
      this._isLoadingMore = false;
    }
  }

  /** What was reproduced of a run and is still there. */
  reproduction(run: IFoundRun): IReproduction | undefined {
    return this._reproductions.find(one => one.run === run.id);
  }

  /** Makes a worktree of what a run started from. */
  async reproduce(run: IFoundRun, label: string): Promise<void> {
    const path = `/runs/${encodeURIComponent(keyOf(run))}/reproduce`;
    const made = await this.works.begin(keyOf(run), label, () =>
      this.client.post<IOperation<IReproduction>>(path)
    );
    if (made) {
      this._reproductions = [...this._reproductions, made];
      this.changed();
    }
  }

  /** Removes a worktree with all that was done in it. */
  async removeReproduction(reproduction: IReproduction): Promise<void> {
    const id = encodeURIComponent(reproduction.id);
    await this.client.delete(`/reproductions/${id}`);
    await this.refresh();
  }

  protected async load(): Promise<void> {
    const [columns, workflows, reproductions] = await Promise.all([
      this.client.get<IRunColumns>('/runs/columns'),
      this.client.get<IPage<IWorkflowSummary>>('/workflows'),
      this.client.get<IPage<IReproduction>>('/reproductions'),
      this._readShown()
    ]);
    this._choices = [
      ...columns.metrics.map(name => ({ kind: 'metric' as const, name })),
      ...columns.params.map(name => ({ kind: 'param' as const, name }))
    ];
    this._workflows = workflows.items.map(item => item.path);
    this._reproductions = reproductions.items;
  }

  protected reset(): void {
    this._items = [];
    this._cursor = null;
    this._search = { q: '', filter: '', workflow: '', nested: false };
    this._sort = null;
    this._chosen = null;
    this._selected.clear();
  }

  /** Reads the runs anew, as many as are loaded. */
  private async _readShown(): Promise<void> {
    const wanted = Math.max(PAGE, this._items.length);
    const items: IFoundRun[] = [];
    let cursor: string | null | undefined = undefined;
    while (cursor !== null && items.length < wanted) {
      const limit = Math.min(wanted - items.length, LARGEST_PAGE);
      const page: IPage<IFoundRun> = await this._page(limit, cursor);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    this._setItems(items);
    this._cursor = cursor ?? null;
    for (const run of items) {
      if (this._selected.has(keyOf(run))) {
        this._selected.set(keyOf(run), run);
      }
    }
  }

  private _setItems(items: readonly IFoundRun[]): void {
    this._items = items;
    this._held = new Set(
      items.flatMap(run => [
        ...Object.keys(run.metrics).map(name =>
          sortKey({ kind: 'metric', name })
        ),
        ...Object.keys(run.params).map(name => sortKey({ kind: 'param', name }))
      ])
    );
  }

  private _page(limit: number, cursor?: string): Promise<IPage<IFoundRun>> {
    const { q, filter, workflow, nested } = this._search;
    const sort = this._sort;
    const query: Query = {
      limit,
      cursor,
      q: q.trim() || undefined,
      filter: filter.trim() || undefined,
      workflow: workflow || undefined,
      nested: nested || undefined,
      sort: sort ? `${sort.key} ${sort.descending ? 'DESC' : 'ASC'}` : undefined
    };
    return this.client.get('/runs', query);
  }

  private _startOver(): void {
    this._items = this._items.slice(0, PAGE);
    this._cursor = null;
    this.changed();
    void this.refresh();
  }

  private _items: readonly IFoundRun[] = [];
  /** What any of `items` has. */
  private _held: ReadonlySet<SortKey> = new Set();
  private _cursor: string | null = null;
  private _search: ISearch = {
    q: '',
    filter: '',
    workflow: '',
    nested: false
  };
  private _sort: ISort | null = null;
  private _choices: readonly IChoice[] = [];
  private _chosen: ReadonlySet<SortKey> | null = null;
  private _workflows: readonly string[] = [];
  private _reproductions: readonly IReproduction[] = [];
  private _selected = new Map<string, IFoundRun>();
  private _isLoadingMore = false;
}
