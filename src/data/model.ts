import { APIError, IEventStream, MLWSClient } from '../api/client';
import { Details } from '../api/details';
import { WorkspaceModel } from '../api/live';
import type { IOperation, IPage, IWorkspaceEvent } from '../api/models';
import { Works } from '../operations/works';
import { followOperation } from '../operations/follow';
import type {
  ICollected,
  IDataRemote,
  IDataRemotePut,
  IDataset,
  IDatasetDetail,
  IDatasetPlace,
  IDatasetPlaces,
  IDatasetVerified,
  IStorageUse
} from '../api/models';

const PAGE = 200;
/** The key of work that is about no single dataset. */
export const ALL = '';

/** The project's data, where its content is, and the long work on it. */
export class DatasetsModel extends WorkspaceModel {
  constructor(client: MLWSClient, events: IEventStream<IWorkspaceEvent>) {
    super(client, events, ['changes', 'history']);
    this.works = new Works(client);
    this.works.changed.connect(this.changed, this);
  }

  /** Transfers, imports and verifications, by the id of their dataset. */
  readonly works: Works;

  get items(): readonly IDataset[] {
    return this._items;
  }

  /** Whether there are more than `items`. */
  get hasMore(): boolean {
    return this._cursor !== null;
  }

  /** What the cache takes; null until it was looked at. */
  get storage(): IStorageUse | null {
    return this._storage;
  }

  get remotes(): readonly IDataRemote[] {
    return this._remotes;
  }

  /** The remote that data goes to by itself; null where there is none. */
  get remote(): IDataRemote | null {
    return this._remotes.find(one => one.default) ?? null;
  }

  /** Why the remote could not be asked what it has; null where it could. */
  get unreachable(): string | null {
    return this._unreachable;
  }

  /** Why cache and remote could not be looked at. */
  get askError(): APIError | null {
    return this._askError;
  }

  /** The expanded datasets: what is known of them, null while it is read, or why it cannot be. */
  get expanded(): ReadonlyMap<string, IDatasetDetail | APIError | null> {
    return this._expanded.known;
  }

  /** What the newest verification of a dataset has found. */
  verified(id: string): IDatasetVerified | undefined {
    return this._verified.get(id);
  }

  /** Where the recorded content of a dataset is; undefined until it was asked. */
  place(dataset: IDataset): IDatasetPlace | undefined {
    return dataset.md5 === null ? undefined : this._places.get(dataset.md5);
  }

  dispose(): void {
    this.works.dispose();
    super.dispose();
  }

  /** Reads everything anew, cache and remote too, of whose changes no event tells. */
  async look(): Promise<void> {
    this._asked = '';
    await this.refresh();
  }

  /** Reads the next page. */
  async more(): Promise<void> {
    const cursor = this._cursor;
    if (cursor !== null) {
      const page = await this._page(PAGE, cursor);
      this._items = [...this._items, ...page.items];
      this._cursor = page.next_cursor;
      this.changed();
    }
  }

  /** Shows or hides the versions of a dataset. */
  toggle(id: string): Promise<void> {
    return this._expanded.toggle(id);
  }

  /** What is being tracked or recorded, by path. */
  get adding(): ReadonlySet<string> {
    return this._adding;
  }

  /** Reads older versions of an expanded dataset. */
  async moreVersions(id: string): Promise<void> {
    const known = this._expanded.known.get(id);
    if (!known || known instanceof APIError || known.next_cursor === null) {
      return;
    }
    const page = await this.client.get<IDatasetDetail>(
      `/datasets/${encodeURIComponent(id)}`,
      { cursor: known.next_cursor }
    );
    const versions = [...known.versions, ...page.versions];
    this._expanded.set(id, { ...page, versions });
    this.changed();
  }

  /** Tracks a file or folder, or records what it is now; an APIError says why not. */
  async add(path: string): Promise<IDataset> {
    this._adding.add(path);
    this.changed();
    try {
      return await this.client.post<IDataset>('/datasets', { path });
    } finally {
      this._adding.delete(path);
      await this.refresh();
    }
  }

  /** Brings data from elsewhere; an APIError says what of `given` cannot be. */
  async import(
    label: string,
    given: { url: string; path: string; link: boolean }
  ): Promise<void> {
    const begun = await this.client.post<IOperation<IDataset>>(
      '/datasets/import',
      given
    );
    void this._follow(ALL, label, () => Promise.resolve(begun));
  }

  push(id: string, label: string): Promise<unknown> {
    return this._work(id, label, `/datasets/${encodeURIComponent(id)}/push`);
  }

  pull(id: string, label: string): Promise<unknown> {
    return this._work(id, label, `/datasets/${encodeURIComponent(id)}/pull`);
  }

  async verify(id: string, label: string): Promise<void> {
    this._verified.delete(id);
    const path = `/datasets/${encodeURIComponent(id)}/verify`;
    const found = await this._work<IDatasetVerified>(id, label, path, {
      remote: 'ask'
    });
    if (found) {
      this._verified.set(id, found);
      this.changed();
    }
  }

  /** Tells what of the cache nothing names; with `confirm` frees it. */
  collect(label: string, confirm: boolean): Promise<ICollected | null> {
    return this._work(ALL, label, '/datasets/gc', { confirm });
  }

  async putRemote(name: string, given: IDataRemotePut): Promise<void> {
    const path = `/datasets/remotes/${encodeURIComponent(name)}`;
    await this.client.put(path, given);
    await this.look();
  }

  async deleteRemote(name: string): Promise<void> {
    await this.client.delete(`/datasets/remotes/${encodeURIComponent(name)}`);
    await this.look();
  }

  /** Resolves where the remote answers; an APIError says why it does not. */
  async checkRemote(name: string): Promise<void> {
    const path = `/datasets/remotes/${encodeURIComponent(name)}/check`;
    await this.client.post(path);
  }

  protected async load(): Promise<void> {
    const shown = Math.max(PAGE, this._items.length);
    const [page, remotes] = await Promise.all([
      this._page(Math.min(shown, 500)),
      this.client.get<IPage<IDataRemote>>('/datasets/remotes')
    ]);
    this._items = page.items;
    this._cursor = page.next_cursor;
    this._remotes = remotes.items;
    await this._expanded.readAll();
    void this._ask();
  }

  protected reset(): void {
    this._items = [];
    this._cursor = null;
    this._remotes = [];
    this._storage = this._unreachable = this._askError = null;
    this._asked = '';
    this._places.clear();
    this._expanded.clear();
    this._verified.clear();
  }

  /** Long work that may change what is stored where, and is looked at afterwards. */
  private _work<T>(
    key: string,
    label: string,
    path: string,
    body?: unknown
  ): Promise<T | null> {
    return this._follow(key, label, () =>
      this.client.post<IOperation<T>>(path, body)
    );
  }

  private async _follow<T>(
    key: string,
    label: string,
    start: () => Promise<IOperation<T>>
  ): Promise<T | null> {
    const result = await this.works.begin(key, label, start);
    await this.look();
    return result;
  }

  /** Asks cache and remote what they have, until it is about what is recorded now. */
  private async _ask(): Promise<void> {
    if (this._isAsking) {
      return;
    }
    this._isAsking = true;
    try {
      for (
        let wanted = this._signature();
        wanted !== this._asked && !this.isDisposed;
        wanted = this._signature()
      ) {
        this._asked = wanted;
        await this._askOnce();
        this.changed();
      }
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._askError = error;
      this.changed();
    } finally {
      this._isAsking = false;
    }
  }

  private async _askOnce(): Promise<void> {
    this._askError = null;
    this._storage = await this.client.get<IStorageUse>('/datasets/storage');
    const begun =
      await this.client.post<IOperation<IDatasetPlaces>>('/datasets/places');
    const ended = await followOperation(this.client, begun, () => undefined);
    if (ended.state === 'FAILED') {
      throw new APIError(0, ended.error ?? {});
    }
    const items = ended.result?.items ?? [];
    this._places = new Map(items.map(place => [place.md5, place]));
    this._unreachable = ended.result?.unreachable ?? null;
  }

  /** What the answer to where the data is depends on. */
  private _signature(): string {
    return JSON.stringify([this._items.map(item => item.md5), this._remotes]);
  }

  private _page(limit: number, cursor?: string): Promise<IPage<IDataset>> {
    return this.client.get('/datasets', { limit, cursor });
  }

  private _items: readonly IDataset[] = [];
  private _cursor: string | null = null;
  private _remotes: readonly IDataRemote[] = [];
  private _storage: IStorageUse | null = null;
  private _unreachable: string | null = null;
  /** Of what cache and remote were asked; "" for nothing yet. */
  private _asked = '';
  private _adding = new Set<string>();
  private _isAsking = false;
  private _askError: APIError | null = null;
  private _places = new Map<string, IDatasetPlace>();
  private _expanded = new Details<IDatasetDetail>(
    id => this.client.get(`/datasets/${encodeURIComponent(id)}`),
    () => this.changed()
  );
  private _verified = new Map<string, IDatasetVerified>();
}
