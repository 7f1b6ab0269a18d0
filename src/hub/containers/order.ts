import type { ContainerStatus, IContainer } from '../../api/models';
import { parseCpu, parseMemory } from './quantities';

export type Column =
  | 'user'
  | 'name'
  | 'image'
  | 'status'
  | 'cpu'
  | 'memory'
  | 'gpu'
  | 'restarts'
  | 'age';

export interface IOrder {
  column: Column;
  descending: boolean;
}

const STATUSES_BY_URGENCY: ContainerStatus[] = [
  'CRASHED',
  'UNHEALTHY',
  'QUEUED',
  'CREATED',
  'STARTING',
  'STOPPING',
  'RUNNING',
  'STOPPED'
];

const SORT_KEYS: Record<Column, (container: IContainer) => string | number> = {
  user: one => one.user,
  name: one => one.name,
  image: one => one.config.image,
  status: one => STATUSES_BY_URGENCY.indexOf(one.status),
  cpu: one => one.usage?.cpu ?? -1,
  memory: one => one.usage?.memory ?? -1,
  gpu: one => Number(one.resources.gpu ?? 0),
  restarts: one => one.restarts,
  age: one => -Date.parse(since(one))
};

/** Start of the container, or its creation before the first start. */
export function since(container: IContainer): string {
  return container.started_at ?? container.created_at;
}

/** Sorted by a column; equals by owner and name. */
export function sortContainers(
  containers: readonly IContainer[],
  order: IOrder
): IContainer[] {
  const key = SORT_KEYS[order.column];
  const sign = order.descending ? -1 : 1;
  return [...containers].sort(
    (a, b) =>
      sign * compare(key(a), key(b)) ||
      compare(a.user, b.user) ||
      compare(a.name, b.name)
  );
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'string' && typeof b === 'string'
    ? a.localeCompare(b)
    : Number(a) - Number(b);
}

/** Containers whose owner, name, image or machine matches the text, in a state ("" for any). */
export function filterContainers(
  containers: readonly IContainer[],
  text: string,
  status: ContainerStatus | ''
): IContainer[] {
  const sought = text.trim().toLowerCase();
  return containers.filter(
    one =>
      (status === '' || one.status === status) &&
      [one.user, one.name || 'default', one.config.image, one.node ?? ''].some(
        part => part.toLowerCase().includes(sought)
      )
  );
}

/** Limits of a container: cores and bytes; null for an unknown notation. */
export function limitsOf(container: IContainer): {
  cpu: number | null;
  memory: number | null;
} {
  return {
    cpu: parseCpu(container.resources.cpu),
    memory:
      container.usage?.memory_limit || parseMemory(container.resources.memory)
  };
}
