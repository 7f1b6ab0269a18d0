import { Signal, type ISignal } from '@lumino/signaling';

import { APIError, type IEventStream, type MLWSClient } from '../../api/client';
import { LiveModel } from '../../api/live';
import type {
  IContainer,
  IContainerCreate,
  IContainerEvent,
  IEnvironment,
  IPage,
  IResourceReport,
  IResources
} from '../../api/models';

/** What can be done with a container that there is. */
export type Action = 'start' | 'stop' | 'restart' | 'delete';

/** Another size; what is left out stays. */
export type ResourceChange = Partial<IResources>;

const PAGE = 500;

/** The containers and the machines they run on, as the Hub's service tells of them. */
export class ContainersModel extends LiveModel {
  /** `owner`: only this person's containers, also where an administrator may see all. */
  constructor(
    client: MLWSClient,
    private _owner: string | null = null
  ) {
    super(client);
  }

  get items(): readonly IContainer[] {
    return this._items;
  }

  /** Machines, the queue, and what a new container may have; null until read. */
  get report(): IResourceReport | null {
    return this._report;
  }

  /** Whether news arrive; false before the first connection, too. */
  get connected(): boolean {
    return this._events?.connected ?? false;
  }

  /** Whether news should arrive and do not: a connection broke, or could not be made. */
  get lost(): boolean {
    return this._lost;
  }

  /** Emitted when a container takes another state, or goes. */
  get moved(): ISignal<this, IContainer | { removed: IContainer }> {
    return this._moved;
  }

  /** What was asked for and is not answered yet, by container. */
  get busy(): ReadonlyMap<string, Action> {
    return this._busy;
  }

  /** Why the newest action failed, by container. */
  get failures(): ReadonlyMap<string, APIError> {
    return this._failures;
  }

  /** Does something with a container; a refusal becomes its entry in `failures`. */
  async act(action: Action, id: string): Promise<boolean> {
    this._busy.set(id, action);
    this._failures.delete(id);
    this.changed();
    const path = `/containers/${encodeURIComponent(id)}`;
    try {
      const now =
        action === 'delete'
          ? await this.client.delete<IContainer>(path)
          : await this.client.post<IContainer>(`${path}/${action}`);
      this._put(now);
      return true;
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._failures.set(id, error);
      return false;
    } finally {
      this._busy.delete(id);
      this.changed();
    }
  }

  /** Takes a refusal from the view. */
  dismiss(id: string): void {
    this._failures.delete(id);
    this.changed();
  }

  /** Asks for a container; throws the server's APIError, which names the fields at fault. */
  async create(wanted: IContainerCreate): Promise<IContainer> {
    const made = await this.client.post<IContainer>('/containers', wanted);
    this._put(made);
    this.changed();
    return made;
  }

  /** Puts what waits at another place of the queue, or takes it out; failures as of `act`. */
  async requeue(id: string, position: number | null): Promise<void> {
    const path = `/resources/queue/${encodeURIComponent(id)}`;
    this._failures.delete(id);
    try {
      const now =
        position === null
          ? await this.client.delete<IContainer>(path)
          : await this.client.put<IContainer>(path, { position });
      this._put(now);
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._failures.set(id, error);
    }
    this.changed();
  }

  /** Gives a container another size; throws the server's APIError. */
  async resize(id: string, resources: ResourceChange): Promise<IContainer> {
    const now = await this.client.patch<IContainer>(
      `/containers/${encodeURIComponent(id)}`,
      { resources }
    );
    this._put(now);
    this.changed();
    return now;
  }

  /** What the person has saved; empty where all people's containers are shown. */
  get environments(): readonly IEnvironment[] {
    return this._environments;
  }

  /** Begins to save what a container has installed; throws the server's APIError. */
  async saveEnvironment(name: string, container: string): Promise<void> {
    await this.client.post<IEnvironment>('/environments', { name, container });
    await this.refresh();
  }

  /** Removes a saved environment; throws the server's APIError. */
  async deleteEnvironment(id: string): Promise<void> {
    await this.client.delete(`/environments/${encodeURIComponent(id)}`);
    await this.refresh();
  }

  dispose(): void {
    this.attend(false);
    super.dispose();
  }

  protected attend(active: boolean): void {
    this._events?.dispose();
    this._events = null;
    this._lost = false;
    if (active) {
      this._events = this.client.stream<IContainerEvent>('/containers/status');
      this._events.message.connect(this._onEvent, this);
      this._events.connectionChanged.connect(this._onConnection, this);
    }
  }

  protected async load(): Promise<void> {
    const [items, report, environments] = await Promise.all([
      this._all(),
      this.client.get<IResourceReport>('/resources'),
      this._owner === null
        ? null
        : this.client.get<IPage<IEnvironment>>('/environments')
    ]);
    this._environments = (environments?.items ?? []).filter(
      ({ user }) => user === this._owner
    );
    this._items = items.filter(one => this._isMine(one));
    this._report = report;
  }

  private async _all(): Promise<IContainer[]> {
    const found: IContainer[] = [];
    let cursor: string | null = null;
    do {
      const page: IPage<IContainer> = await this.client.get('/containers', {
        limit: PAGE,
        cursor
      });
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return found;
  }

  private _isMine(container: IContainer): boolean {
    return this._owner === null || container.user === this._owner;
  }

  private _onConnection(_: IEventStream, connected: boolean): void {
    this._lost = !connected;
    this.changed();
    if (!connected) {
      // Why it broke (signed out, the service gone), a request can tell and a socket cannot.
      void this.refresh();
    }
  }

  private _onEvent(_: IEventStream, event: IContainerEvent): void {
    if (event.type === 'container') {
      this._put(event.container);
    } else if (event.type === 'removed') {
      this._remove(event.id);
    } else if (event.type === 'resources') {
      this._report = event.report;
    } else {
      void this.refresh();
    }
    this.changed();
  }

  private _put(container: IContainer): void {
    if (!this._isMine(container)) {
      return;
    }
    const at = this._items.findIndex(one => one.id === container.id);
    const before = this._items[at];
    if (before && before.updated_at > container.updated_at) {
      return; // An answer and an event overtook each other.
    }
    this._items =
      at < 0
        ? [...this._items, container]
        : this._items.map((one, index) => (index === at ? container : one));
    if (before?.status !== container.status) {
      this._moved.emit(container);
    }
  }

  private _remove(id: string): void {
    const removed = this._items.find(one => one.id === id);
    if (removed) {
      this._items = this._items.filter(one => one !== removed);
      this._failures.delete(id);
      this._moved.emit({ removed });
    }
  }

  private _items: readonly IContainer[] = [];
  private _environments: readonly IEnvironment[] = [];
  private _report: IResourceReport | null = null;
  private _events: IEventStream<IContainerEvent> | null = null;
  private _lost = false;
  private _busy = new Map<string, Action>();
  private _failures = new Map<string, APIError>();
  private _moved = new Signal<this, IContainer | { removed: IContainer }>(this);
}
