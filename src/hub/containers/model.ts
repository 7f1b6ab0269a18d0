import { Signal } from '@lumino/signaling';
import { useEffect } from 'react';

import { APIError, type MLWSClient } from '../../api/client';
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

/** What can be done with a container that there is. */
export type Action = 'start' | 'stop' | 'restart' | 'delete';

/** Another size; what is left out stays. */
type ResourceChange = Partial<IResources>;

const CONTAINERS = ['/containers', {}];
const REPORT = ['/resources', {}];

/** The containers and the machines they run on, as the Hub's service reports them. */
export class ContainersModel {
  /** `owner`: only this person's containers, also where an administrator may see all. */
  constructor(
    readonly client: MLWSClient,
    readonly owner: string | null = null
  ) {}

  /** Emitted when a container takes another state, or goes. */
  readonly moved = new Signal<this, IContainer | { removed: IContainer }>(this);
  /** What was asked for and is not answered yet, by container. */
  readonly busy = new State<ReadonlyMap<string, Action>>(new Map());
  /** Why the newest action failed, by container. */
  readonly failures = new State<ReadonlyMap<string, APIError>>(new Map());
  /** Whether news arrive; false before the first connection, too. */
  readonly connected = new State(false);
  /** Whether news should arrive and do not: a connection broke, or could not be made. */
  readonly lost = new State(false);

  /** Follows what happens; returns what ends that. */
  follow(): () => void {
    const events = this.client.stream('/containers/status');
    events.message.connect((_, event) => this._onEvent(event));
    events.connectionChanged.connect((_, connected) => {
      this.connected.value = connected;
      this.lost.value = !connected;
      if (!connected) {
        // Why it broke (signed out, the service gone), a request can tell and a socket cannot.
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

  /** Asks for a container; throws the server's APIError, which names the fields at fault. */
  async create(request: IContainerCreate): Promise<IContainer> {
    const container = await this.client.post('/containers', request);
    this._put(container);
    return container;
  }

  /** Puts what waits at another place of the queue, or takes it out; failures as of `act`. */
  requeue(id: string, position: number | null): Promise<void> {
    const path = `/resources/queue/${encodeURIComponent(id)}` as const;
    return this._attempt(id, () =>
      position === null
        ? this.client.delete(path)
        : this.client.put(path, { position })
    );
  }

  /** Gives a container another size; throws the server's APIError. */
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
      if (!(error instanceof APIError)) {
        throw error;
      }
      this.failures.value = new Map(this.failures.value).set(id, error);
    }
  }

  private _onEvent(event: Data<'get', '/containers/status'>): void {
    if (event.type === 'container') {
      this._put(event.container);
    } else if (event.type === 'removed') {
      this._remove(event.id);
    } else if (event.type === 'resources') {
      this.client.queries.setQueryData(REPORT, event.report);
    } else {
      void this._refresh();
    }
  }

  private get _items(): readonly IContainer[] {
    return this.client.queries.getQueryData(CONTAINERS) ?? [];
  }

  private _put(container: IContainer): void {
    const items = this._items;
    const before = items.find(one => one.id === container.id);
    if (
      !this._isMine(container) ||
      // An answer and an event overtook each other.
      (before && before.updated_at > container.updated_at)
    ) {
      return;
    }
    this.client.queries.setQueryData(
      CONTAINERS,
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
        CONTAINERS,
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

/** The containers, which follow what happens while the view can be seen. */
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

/** Machines, the queue, and what a new container may have. */
export function useReport(model: ContainersModel): IAnswer<IResourceReport> {
  return useGet(model.client, '/resources');
}

/** What the person has saved; nothing where all people's containers are shown. */
export function useEnvironments(
  model: ContainersModel
): IAnswer<IPage<ISavedEnvironment>> {
  const { client, owner } = model;
  return useGet(client, '/environments', {}, { enabled: owner !== null });
}
