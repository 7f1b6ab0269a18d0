import { Signal } from '@lumino/signaling';
import { useEffect } from 'react';

import { type MLWSClient, type APIError, apiError } from '../../api/client';
import type {
  IContainer,
  IContainerCreate,
  Data,
  ISavedEnvironment,
  IPage,
  IResourceReport,
  IResources
} from '../../api/models';
import { readPages } from '../../api/pages';
import { useActive, useGet, type IAnswer } from '../../ui/server';
import { State } from '../../ui/state';

/** Action on an existing container. */
export type Action = 'start' | 'stop' | 'restart' | 'delete';

/** Partial change of a size. */
type ResourceChange = Partial<IResources>;

const CONTAINERS_KEY = ['/containers', {}];
const REPORT_KEY = ['/resources', {}];

/** The containers and the machines they run on, as the Hub's service reports them. */
export class ContainersModel {
  /** `owner`: only this user's containers, also for administrators. */
  constructor(
    readonly client: MLWSClient,
    readonly owner: string | null = null
  ) {}

  /** Emitted when a container changes its state, or is deleted. */
  readonly moved = new Signal<this, IContainer | { removed: IContainer }>(this);
  /** Pending action by container. */
  readonly busy = new State<ReadonlyMap<string, Action>>(new Map());
  /** Error of the newest action, by container. */
  readonly failures = new State<ReadonlyMap<string, APIError>>(new Map());
  /** True while events arrive; false before the first connection, too. */
  readonly connected = new State(false);
  /** True if the connection broke, or could not be made. */
  readonly lost = new State(false);

  /** Subscribes to events; returns the function that unsubscribes. */
  follow(): () => void {
    const events = this.client.stream('/containers/status');
    events.message.connect((_, event) => this._onEvent(event));
    events.connectionChanged.connect((_, connected) => {
      this.connected.value = connected;
      this.lost.value = !connected;
      if (!connected) {
        // The reason (signed out, service stopped) is known to a request, but not to a socket.
        void this._refresh();
      }
    });
    return () => {
      events.dispose();
      this.connected.value = this.lost.value = false;
    };
  }

  /** Reads all containers that are shown. */
  async read(): Promise<readonly IContainer[]> {
    const { items } = await readPages(this.client, '/containers', {});
    return items.filter(one => this._isMine(one));
  }

  /** Does something with a container; a refusal becomes its entry in `failures`. */
  async act(action: Action, id: string): Promise<void> {
    const path = `/containers/${encodeURIComponent(id)}` as const;
    this.busy.value = new Map(this.busy.value).set(id, action);
    await this._attempt(id, () =>
      action === 'delete'
        ? this.client.delete(path)
        : this.client.post(`${path}/${action}`)
    );
    this.busy.value = without(this.busy.value, id);
  }

  /** Takes a refusal from the view. */
  dismiss(id: string): void {
    this.failures.value = without(this.failures.value, id);
  }

  /** Creates a container; throws the server's APIError, which names the invalid fields. */
  async create(request: IContainerCreate): Promise<IContainer> {
    const container = await this.client.post('/containers', request);
    this._put(container);
    return container;
  }

  /** Moves a request in the queue, or removes it; reports failures as `act` does. */
  requeue(id: string, position: number | null): Promise<void> {
    const path = `/resources/queue/${encodeURIComponent(id)}` as const;
    return this._attempt(id, () =>
      position === null
        ? this.client.delete(path)
        : this.client.put(path, { position })
    );
  }

  /** Resizes a container; throws the server's APIError. */
  async resize(id: string, resources: ResourceChange): Promise<IContainer> {
    const container = await this.client.patch(
      `/containers/${encodeURIComponent(id)}`,
      { resources }
    );
    this._put(container);
    return container;
  }

  private _isMine(container: IContainer): boolean {
    return this.owner === null || container.user === this.owner;
  }

  private _refresh(): Promise<void> {
    return this.client.refresh('/containers', '/resources', '/environments');
  }

  private async _attempt(
    id: string,
    request: () => Promise<IContainer>
  ): Promise<void> {
    this.dismiss(id);
    try {
      this._put(await request());
    } catch (error) {
      this.failures.value = new Map(this.failures.value).set(
        id,
        apiError(error)
      );
    }
  }

  private _onEvent(event: Data<'get', '/containers/status'>): void {
    if (event.type === 'container') {
      this._put(event.container);
    } else if (event.type === 'removed') {
      this._remove(event.id);
    } else if (event.type === 'resources') {
      this.client.queries.setQueryData(REPORT_KEY, event.report);
    } else if (event.type === 'samples') {
      void this.client.refresh('/resources/history');
    } else {
      void this._refresh();
    }
  }

  private get _items(): readonly IContainer[] {
    return this.client.queries.getQueryData(CONTAINERS_KEY) ?? [];
  }

  private _put(container: IContainer): void {
    const items = this._items;
    const before = items.find(one => one.id === container.id);
    if (
      !this._isMine(container) ||
      // A response and an event may arrive in the wrong order.
      (before && before.updated_at > container.updated_at)
    ) {
      return;
    }
    this.client.queries.setQueryData(
      CONTAINERS_KEY,
      before
        ? items.map(one => (one === before ? container : one))
        : [...items, container]
    );
    if (before?.status !== container.status) {
      this.moved.emit(container);
    }
  }

  private _remove(id: string): void {
    const items = this._items;
    const removed = items.find(one => one.id === id);
    if (removed) {
      this.client.queries.setQueryData(
        CONTAINERS_KEY,
        items.filter(one => one !== removed)
      );
      this.dismiss(id);
      this.moved.emit({ removed });
    }
  }
}

function without<T>(map: ReadonlyMap<string, T>, key: string): Map<string, T> {
  const next = new Map(map);
  next.delete(key);
  return next;
}

/** Containers, updated by events while the view is visible. */
export function useContainers(
  model: ContainersModel
): IAnswer<readonly IContainer[]> {
  const active = useActive();
  useEffect(() => (active ? model.follow() : undefined), [model, active]);
  return useGet(
    model.client,
    '/containers',
    {},
    { queryFn: () => model.read() }
  );
}

/** Machines, the queue, and limits of a new container. */
export function useReport(model: ContainersModel): IAnswer<IResourceReport> {
  return useGet(model.client, '/resources');
}

/** Saved environments of the user; empty in lists of all users' containers. */
export function useEnvironments(
  model: ContainersModel
): IAnswer<IPage<ISavedEnvironment>> {
  const { client, owner } = model;
  return useGet(client, '/environments', {}, { enabled: owner !== null });
}
