import type { IContainer, IResourceReport } from '../api/models';

const GIB = 1024 ** 3;

/** Running container of "ada", with changes. */
export function container(change: Partial<IContainer> = {}): IContainer {
  const user = change.user ?? 'ada';
  const name = change.name ?? '';
  return {
    id: `${user}--${name || 'default'}`,
    user,
    name,
    status: 'RUNNING',
    resources: { cpu: '2', memory: '4Gi', gpu: null },
    config: {
      image: 'mlws-lab',
      environment: {},
      rescue: false,
      started_by: null
    },
    created_at: '2026-11-25T12:00:00Z',
    updated_at: '2026-11-25T12:01:00Z',
    started_at: '2026-11-25T12:01:00Z',
    url: '/user/ada/',
    node: 'one',
    priority: 0,
    health: 'healthy',
    restarts: 0,
    exit_code: null,
    reason: null,
    last_log: [],
    queue: null,
    usage: null,
    notice: null,
    stop_at: null,
    ...change
  };
}

export const report: IResourceReport = {
  nodes: [
    {
      name: 'one',
      cores: 4,
      load: 1.5,
      capacity: { cpu: 8, memory: 16 * GIB, gpu: 0 },
      allocated: { cpu: 2, memory: 4 * GIB, gpu: 0 },
      used: { cpu: 0.5, memory: GIB, gpu: 0 },
      containers: 1,
      disk: null
    }
  ],
  queue: [],
  limits: { cpu: 4, memory: 8 * GIB, gpu: 0 },
  defaults: { cpu: '1', memory: '2Gi', gpu: null },
  images: ['mlws-lab', 'mlws-gpu'],
  profiles: {
    small: { cpu: '500m', memory: '1Gi', gpu: null },
    large: { cpu: '2', memory: '4Gi', gpu: null }
  }
};
