import { ISignal, Signal } from '@lumino/signaling';

import { APIError, IEventStream, MLWSClient } from '../api/client';
import { Details } from '../api/details';
import { WorkspaceModel } from '../api/live';
import type { IPage, IWorkflowEvent, IWorkspaceEvent } from '../api/models';
import type {
  IAliasChange,
  IBestModels,
  IModel,
  IModelCreate,
  IModelDetail,
  IModelVersion
} from '../api/models';

const PAGE = 50;
/** Ranks that are shown. */
const BEST = 5;

/** An expanded model: its versions and what its aliases meant. */
export interface IExpandedModel {
  detail: IModelDetail;
  history: readonly IAliasChange[];
}

/** The registered models, and which of their versions are to be compared. */
export class RegistryModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    workspace: IEventStream<IWorkspaceEvent>,
    runs: IEventStream<IWorkflowEvent>
  ) {
    super(client, workspace, ['runs'], runs);
  }

  get items(): readonly IModel[] {
    return this._items;
  }

  get hasMore(): boolean {
    return this._cursor !== null;
  }

  /** The names of all metrics that can be asked for. */
  get metrics(): readonly string[] {
    return this._metrics;
  }

  /** By which metric the versions are ranked; "" for none. */
  get metric(): string {
    return this._metric;
  }

  set metric(metric: string) {
    this._metric = metric;
    this._best = null;
    this.changed();
    void this.refresh();
  }

  /** The best versions by `metric`. */
  get best(): IBestModels | null {
    return this._best;
  }

  /** The expanded models: null while they are read, or why they cannot be. */
  get expanded(): ReadonlyMap<string, IExpandedModel | APIError | null> {
    return this._expanded.known;
  }

  /** Ids of the chosen versions, in the order of choice. */
  get selected(): readonly string[] {
    return this._selected;
  }

  /** Chooses a version for the comparison, or no longer. */
  select(id: string): void {
    this._selected = this._selected.includes(id)
      ? this._selected.filter(one => one !== id)
      : [...this._selected, id];
    this.changed();
  }

  /** Shows or hides the versions of a model. */
  toggle(id: string): Promise<void> {
    return this._expanded.toggle(id);
  }

  /** Reads the next models. */
  async more(): Promise<void> {
    const cursor = this._cursor;
    if (cursor !== null) {
      const page = await this._page(PAGE, cursor);
      this._items = [...this._items, ...page.items];
      this._cursor = page.next_cursor;
      this.changed();
    }
  }

  /** Reads older versions of an expanded model. */
  async moreVersions(id: string): Promise<void> {
    const known = this._expanded.known.get(id);
    if (known && !(known instanceof APIError)) {
      const { detail } = known;
      const page = await this.client.get<IModelDetail>(
        `/models/${encodeURIComponent(id)}`,
        { cursor: detail.next_cursor }
      );
      const versions = [...detail.versions, ...page.versions];
      this._expanded.set(id, { ...known, detail: { ...page, versions } });
      this.changed();
    }
  }

  /** Makes a version of a run's values; an APIError says why not. */
  async register(given: IModelCreate): Promise<IModelVersion> {
    const made = await this.client.post<IModelVersion>('/models', given);
    await this._edited();
    return made;
  }

  /** Lets an alias mean a version from now on; an APIError says why not. */
  async setAlias(version: IModelVersion, alias: string): Promise<void> {
    const path = `${pathOf(version)}/aliases/${encodeURIComponent(alias)}`;
    await this.client.put(path, { version: version.version });
    await this._edited();
  }

  async removeAlias(version: IModelVersion, alias: string): Promise<void> {
    const path = `${pathOf(version)}/aliases/${encodeURIComponent(alias)}`;
    await this.client.delete(path);
    await this._edited();
  }

  /** Emitted after every change that was made here. */
  get edited(): ISignal<this, void> {
    return this._editedSignal;
  }

  /** What every alias of a version's model means now. */
  async aliasesOf(version: IModelVersion): Promise<Record<string, number>> {
    const model = await this.client.get<IModelDetail>(pathOf(version), {
      limit: 1
    });
    return model.aliases;
  }

  protected async load(): Promise<void> {
    const shown = Math.min(Math.max(PAGE, this._items.length), 500);
    const [page, columns] = await Promise.all([
      this._page(shown),
      this.client.get<{ metrics: string[] }>('/runs/columns')
    ]);
    this._items = page.items;
    this._cursor = page.next_cursor;
    this._metrics = columns.metrics;
    await Promise.all([this._rank(), this._expanded.readAll()]);
  }

  protected reset(): void {
    this._items = [];
    this._cursor = null;
    this._metrics = [];
    this._metric = '';
    this._best = null;
    this._selected = [];
    this._expanded.clear();
  }

  private async _edited(): Promise<void> {
    this._editedSignal.emit();
    await this.refresh();
  }

  private async _rank(): Promise<void> {
    const metric = this._metric;
    if (metric === '') {
      return;
    }
    const best = await this.client.get<IBestModels>('/models/best', {
      metric,
      limit: BEST
    });
    if (metric === this._metric) {
      this._best = best;
    }
  }

  private async _readDetail(id: string): Promise<IExpandedModel> {
    const path = `/models/${encodeURIComponent(id)}`;
    const [detail, history] = await Promise.all([
      this.client.get<IModelDetail>(path),
      this.client.get<IPage<IAliasChange>>(`${path}/aliases/history`)
    ]);
    return { detail, history: history.items };
  }

  private _page(limit: number, cursor?: string): Promise<IPage<IModel>> {
    return this.client.get('/models', { limit, cursor });
  }

  private _editedSignal = new Signal<this, void>(this);
  private _items: readonly IModel[] = [];
  private _cursor: string | null = null;
  private _metrics: readonly string[] = [];
  private _metric = '';
  private _best: IBestModels | null = null;
  private _selected: readonly string[] = [];
  private _expanded = new Details<IExpandedModel>(
    id => this._readDetail(id),
    () => this.changed()
  );
}

/** The address of a version's model. */
function pathOf(version: IModelVersion): string {
  const id = version.id.slice(0, version.id.lastIndexOf(':'));
  return `/models/${encodeURIComponent(id)}`;
}
