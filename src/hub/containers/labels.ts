import { cores, memorySize } from '../../ui/format';
import type { ContainerStatus, IContainer, IResources } from '../../api/models';
import { trans } from '../../ui/locale';
import type { Action } from './model';
import { parseCpu, parseMemory } from './quantities';

export function containerStatusLabel(status: ContainerStatus): string {
  const labels: Record<ContainerStatus, string> = {
    CREATED: trans.__('created'),
    QUEUED: trans.__('queued'),
    STARTING: trans.__('starting'),
    RUNNING: trans.__('running'),
    UNHEALTHY: trans.__('not responding'),
    STOPPING: trans.__('stopping'),
    STOPPED: trans.__('stopped'),
    CRASHED: trans.__('crashed')
  };
  return labels[status] ?? status;
}

/** Display name of a container: the unnamed server is the default server. */
export function nameOf(container: Pick<IContainer, 'name'>): string {
  return container.name || trans.__('default');
}

/** "2 CPU · 4 GiB · 1 GPU" */
export function resourcesText(resources: IResources): string {
  const cpu = parseCpu(resources.cpu);
  const memory = parseMemory(resources.memory);
  const parts = [
    trans.__('%1 CPU', cpu === null ? resources.cpu : cores(cpu)),
    memory === null ? resources.memory : memorySize(memory)
  ];
  if (resources.gpu !== null && resources.gpu !== '0') {
    parts.push(trans.__('%1 GPU', resources.gpu));
  }
  return parts.join(' · ');
}

/** Confirmation before a destructive action, with its effects. */
export interface IQuestion {
  title: string;
  lost: string;
  kept: string;
  accept: string;
}

/** Confirmation before an action; null if nothing is lost. */
export function questionBefore(
  action: Action,
  container: IContainer
): IQuestion | null {
  const name = `${container.user} / ${nameOf(container)}`;
  const ends = trans.__(
    'Kernels and terminals are stopped; unsaved data in memory is lost.'
  );
  const home = trans.__('The home folder is kept.');
  const isQueued = container.status === 'QUEUED';
  const questions: Record<Action, IQuestion | null> = {
    start: null,
    stop: isQueued
      ? null
      : {
          title: trans.__('Stop %1?', name),
          lost: ends,
          kept: home,
          accept: trans.__('Stop')
        },
    restart: {
      title: trans.__('Restart %1?', name),
      lost: ends,
      kept: home,
      accept: trans.__('Restart')
    },
    delete: {
      title: trans.__('Delete %1?', name),
      lost: trans.__(
        'Deletes the container and everything outside the home folder. Kernels and ' +
          'terminals are stopped.'
      ),
      kept: home,
      accept: trans.__('Delete')
    }
  };
  return questions[action];
}
