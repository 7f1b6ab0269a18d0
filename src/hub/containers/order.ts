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

/** What needs somebody comes first. */
const URGENCY: ContainerStatus[] = [
  'CRASHED',
  'UNHEALTHY',
  'QUEUED',
  'CREATED',
  'STARTING',
  'STOPPING',
  'RUNNING',
  'STOPPED'
];

/** What a column sorts by: texts, or numbers. */
const KEYS: Record<Column, (container: IContainer) => string | number> = {
  user: one => one.user,
  name: one => one.name,
  image: one => one.config.image,
  status: one => URGENCY.indexOf(one.status),
  cpu: one => one.usage?.cpu ?? -1,
  memory: one => one.usage?.memory ?? -1,
  gpu: one => Number(one.resources.gpu ?? 0),
  restarts: one => one.restarts,
  age: one => -Date.parse(since(one))
};

/** Since when the container is what it is: its start, or its making before there was one. */
export function since(container: IContainer): string {
  return container.started_at ?? container.created_at;
}

/** Sorted by a column; equals by owner and name. */
export function sortContainers(
  containers: readonly IContainer[],
  order: IOrder
): IContainer[] {
  const key = KEYS[order.column];
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

/** Those whose owner, name, image or machine have the text, in that state ("" for any). */
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

/** What a container may use: cores and bytes; null where it is written in no way we know. */
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
